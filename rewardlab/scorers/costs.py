"""What a method costs besides sampling and learning, as its scorers say it.

A pass reads a row once; a restart is a completion or an episode begun anew, from the
middle of a row or without one of its agents; a call is a question that a judge answers.
They are counts of a row, or of each of its turns, and models that learn read their rows
once or twice more.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from rewardlab.core.tree import Tree
from rewardlab.methods import method_of
from rewardlab.methods.columns import OWN_REWARD
from rewardlab.methods.units import arguments
from rewardlab.scorers import USUAL
from rewardlab.scorers.coalition_model import passes
from rewardlab.scorers.makers import SETTING
from rewardlab.scorers.sentence import brought_by, scorers_of, tree_of

Given = Mapping[str, Any]


class Cost(NamedTuple):
    """Numbers of a row, besides its own sampling and the update; and what helps."""

    passes: int = 0
    passes_a_turn: int = 0
    calls: int = 0
    calls_a_turn: int = 0
    restarts: int = 0
    restarts_a_turn: bool = False  # as many as `rollout.continuations` says
    samples_a_prompt: int = 0
    helpers: tuple[str, ...] = ()  # models beside the policy that give credit

    def __str__(self) -> str:
        """In words, for a table; "-" where nothing is asked."""
        told = [
            _count(self.passes, "pass", "passes"),
            _count(self.passes_a_turn, "pass a turn", "passes a turn"),
            _count(self.calls, "judge call", "judge calls"),
            _count(self.calls_a_turn, "judge call a turn", "judge calls a turn"),
            _count(self.restarts, "restart", "restarts"),
            "K restarts a turn" * self.restarts_a_turn,
            _count(self.samples_a_prompt, "sample a prompt", "samples a prompt"),
        ]
        return ", ".join(filter(None, told)) or "-"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""


def _references(given: Given) -> int:
    """Completions of the frozen start that a reward model compares with."""
    told = given.get("references")
    return int(arguments(told)["count"]) if isinstance(told, Tree) else 0


CRITIC, PRM, JUDGE, REWARD_MODEL = "critic", "PRM", "LLM judge", "reward model"
OTHER = "another language model"

# A pass of the policy or of its frozen start, and no model beside them.
_READ = "blind certainty entropy gradient_norm_squared hindsight importance mean_logp"
_READ += " moving_reference reference self_certainty self_score states states_after"
_READ += " sum_pi_squared top_margin varentropy"
# By word: what it asks of a row, and the model that it is.
_WORDS: dict[str, Callable[[Given], Cost]] = {
    **dict.fromkeys(_READ.split(), lambda given: Cost(passes=1)),
    **dict.fromkeys(
        ("teacher", "strong", "weak"),
        lambda given: Cost(passes=1, helpers=(OTHER,)),
    ),
    "divergence": lambda given: Cost(passes=2, helpers=(OTHER,)),
    **dict.fromkeys(("relevance", "attention_rewards"), lambda given: Cost(passes=1)),
    **dict.fromkeys(
        ("critic", "step_critic", "double_critic"),
        lambda given: Cost(helpers=(CRITIC,)),
    ),
    "privileged_critic": lambda given: Cost(passes=2, helpers=(CRITIC,)),
    "value_model": lambda given: Cost(passes=1, helpers=(CRITIC,)),
    **dict.fromkeys(
        (
            "step_model",
            "contributions",
            "latent_reward",
            "prefix_differences",
            "promise_model",
        ),
        lambda given: Cost(helpers=(PRM,)),
    ),
    **dict.fromkeys(
        (
            "implicit",
            "implicit_detached",
            "implicit_dpo",
            "implicit_kto",
            "step_lm",
        ),
        lambda given: Cost(passes=1, helpers=(PRM,)),
    ),
    **dict.fromkeys(
        (
            "averaged",
            "co_trained",
            "ensemble",
            "gaussian_ensemble",
            "outcome_model",
            "regression_model",
            "reward_model",
        ),
        lambda given: Cost(
            passes=1, helpers=(REWARD_MODEL,), samples_a_prompt=_references(given)
        ),
    ),
    **dict.fromkeys(
        ("demonstration_model", "prefix_model"),  # a reference too; prefixes apart
        lambda given: Cost(passes=2, helpers=(REWARD_MODEL,)),
    ),
    "coalition_model": lambda given: Cost(
        passes=passes(given["parts"], given["blocks"], given["orders"]),
        helpers=(REWARD_MODEL,),
    ),
    "flow": lambda given: Cost(passes=1, helpers=("flow model",)),
    "judge": lambda given: Cost(calls=1, helpers=(JUDGE,)),
    "asked": lambda given: Cost(calls=max(given["draws"], 1), helpers=(JUDGE,)),
    "critics": lambda given: Cost(calls=given["draws"], helpers=(JUDGE,)),
    "rewarded": lambda given: Cost(calls=given["draws"], helpers=(JUDGE,)),
    "criteria": lambda given: Cost(calls=4, helpers=(JUDGE,)),
    "ratings": lambda given: Cost(calls=2, helpers=(JUDGE,)),
    "insight": lambda given: Cost(calls_a_turn=1, helpers=(JUDGE,)),
    "follow_ups": lambda given: Cost(passes=2, helpers=(JUDGE,)),
    "segment_values": lambda given: Cost(restarts=given["attempts"] * given["most"]),
}
# Signals that the sampler makes, and what it does for them.
_SAMPLED = {
    "belief": Cost(passes_a_turn=1),
    "step_value": Cost(restarts_a_turn=True),
    "success": Cost(restarts_a_turn=True),
    "greedy": Cost(samples_a_prompt=1),
    "solo": Cost(restarts=1),  # without the first agent
    "marginal": Cost(restarts=2),  # without each of two agents
}
# Signals that a run must be given by a model, where no scorer is named for them.
_GIVEN = {"prm": (PRM,)}


def cost_of(text: str) -> Cost:
    """What a run of a method, by its name, or of a sentence asks for each row.

    Everything that reward, loss and selection read is followed to its maker, as in a
    run, and each maker is counted once; what an embedded task says by a rule costs
    nothing. Episodes that share prefixes need no restarts.

    cost_of("capo") -> 4 judge calls
    """
    method = method_of(text)
    makers = {n: made for text in USUAL.values() for n, made in _makers(text).items()}
    makers |= _makers(brought_by(method)) if method.scorers else {}
    given = {} if text in OWN_REWARD else _GIVEN
    helpers = [given.get(n, ()) for n in method.reads if n not in makers]
    total, seen = Cost(helpers=sum(helpers, ())), set[str]()
    waiting = list(method.reads)
    while waiting:
        name = waiting.pop()
        made = makers.get(name)
        key = made.word if made else name
        if key in seen:
            continue
        seen.add(key)
        if made is None:
            total = _sum(total, _SAMPLED.get(name, Cost()))
            continue
        total = _sum(total, made.cost)
        waiting += made.reads
    return total


class _Made(NamedTuple):
    word: str
    cost: Cost
    reads: tuple[str, ...]


@functools.cache
def _makers(text: str) -> dict[str, _Made]:
    """By signal: the word of a sentence of scorers that makes it."""
    found: dict[str, _Made] = {}
    for part, scorer in zip(
        tree_of(text).parts, scorers_of(text, SETTING), strict=True
    ):
        made = _Made(str(part), _of_word(part), scorer.reads)
        found |= dict.fromkeys(scorer.provides, made)
    return found


def _of_word(part: Tree) -> Cost:
    return _WORDS[part.word](arguments(part)) if part.word in _WORDS else Cost()


def _sum(one: Cost, other: Cost) -> Cost:
    both: Any = zip(one, other, strict=True)
    total = Cost(*(a + b for a, b in both))
    again = one.restarts_a_turn or other.restarts_a_turn  # the same episodes serve both
    helpers = tuple(dict.fromkeys(total.helpers))
    return total._replace(restarts_a_turn=again, helpers=helpers)
