"""`rewardlab.check` of a function: which laws a reward of texts keeps."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rewardlab.scorers.named_rewards import refuse
from rewardlab.scorers.text_rewards import TextReward
from rewardlab.system.answers import Failure, Row
from rewardlab.testing.finding import FAILS, UNTRIED, Checked, Finding
from rewardlab.testing.rewards.asking import Reward
from rewardlab.testing.rewards.examples import Example, examples_of
from rewardlab.testing.rewards.laws import LAWS, RANDOM
from rewardlab.testing.rewards.trial import Trial

SAYS = {
    "answers": "of any text it gives a finite number or None, in time",
    "repeats": "asked again, it says the same",
    "neighbours": "what else is in a batch, and its order, change no reward",
    "equal": "equal completions of a problem are paid alike",
    "right_first": "a right completion is paid no less than a wrong one",
    "penalty": "a right one with a penalty is paid no less than a wrong one without",
    "length": "a wrong completion gains nothing by being longer",
    "bounded": "no reward is beyond the bound",
    "failure": "what fails inside is not paid: it raises, or gives None",
}
ANY = Example("What is 3 + 4?", {}, (), ("The answer is 7.", "8", "I do not know."))
BOUND = 100.0
TRIES = 200


def check_reward(
    function: Callable[..., Any] | TextReward,
    examples: Sequence[Any] = (),
    without: Iterable[str] = (),
    tries: int = TRIES,
    bound: float = BOUND,
    limit: float = 10.0,
) -> Checked:
    """Tries the laws on a function with TRL's signature; as text it is a table.

    `examples` are rows {"prompt": ..., "right": ..., "wrong": [...], **columns}, of
    which the last is not needed; without any, laws that must know what is right are not
    tried. `without` names laws that are not meant to hold. Each law is looked for in
    `tries` draws; no reward is to be beyond `bound`, and no text to take more than
    `limit` seconds. `ValueError` for what cannot be asked.
    """
    reward = function if isinstance(function, TextReward) else _named(function)
    if reward.steps:
        raise ValueError(
            f"{reward.name!r} gives numbers for steps; laws are tried on functions "
            "that give a number for each completion"
        )
    if unknown := sorted(set(without) - set(SAYS)):
        raise ValueError(f"no law {unknown[0]!r}; have {', '.join(SAYS)}")
    known = examples_of(examples) if examples else (ANY,)
    refuse([reward], known[0].columns, ())
    trial = Trial(Reward(reward.function), known, tries, bound, limit)
    found = _tried(trial)
    for name in without:
        found[name] = found[name]._replace(must=False)
    return Checked(f"the reward {reward.name}", found)


def _tried(trial: Trial) -> dict[str, Finding]:
    """What was found of each law; one that cannot be tried says so."""
    plain = trial.reward(trial.cases)
    if any(isinstance(x, Failure) for x in plain):
        found = dict.fromkeys(SAYS, Finding(UNTRIED))
        found["answers"] = Finding(FAILS, why=_first_failure(trial, plain))
        return {name: one._replace(says=SAYS[name]) for name, one in found.items()}
    found = {}
    for name, law in LAWS.items():
        changes = "repeats" in found and found["repeats"].broken
        try:
            one = Finding(UNTRIED) if changes else law(trial)
        except RANDOM:
            one = Finding(UNTRIED, why="it changes its mind")
        found[name] = one._replace(says=SAYS[name])
    return found


def _first_failure(trial: Trial, plain: list[Row | Failure]) -> str:
    """Of a completion that fails alone, or else in the batch of all."""
    for case in trial.cases:
        if isinstance(answer := trial.reward([case])[0], Failure):
            return f"of {case}: {answer.reason}"
    failed = [x for x in plain if isinstance(x, Failure)]
    return f"of all examples at once: {failed[0].reason}"


def _named(function: Callable[..., Any]) -> TextReward:
    name = getattr(function, "__name__", type(function).__name__)
    return TextReward(name, function)
