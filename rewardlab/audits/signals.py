"""Who makes the signals of an audit: each is a fact of the enumerated process."""

from collections.abc import Callable

import numpy as np

from rewardlab.audits import exact
from rewardlab.audits.facts import Facts
from rewardlab.audits.process import NEUTRAL, RIGHT, WRONG

Maker = Callable[[Facts], np.ndarray]  # an array an episode, or an outcome
SHARP = 0.1  # the temperature at which a teacher follows the advantage
IMPLICIT = 0.05  # beta of an implicit process reward model
CRITICS = 4


def _after(facts: Facts) -> np.ndarray:
    return facts.value[:, 1:]


def _before(facts: Facts) -> np.ndarray:
    return facts.value[:, :-1]


def _end(facts: Facts) -> np.ndarray:
    return facts.value[:, -1]


def _paid_at_the_end(facts: Facts) -> np.ndarray:
    taken = facts.process.taken[facts.episode]
    last = np.arange(taken.shape[1]) == taken.sum(axis=1, keepdims=True) - 1
    return np.where(last, facts.correct[:, None], 0.0)


def _by_token(facts: Facts) -> np.ndarray:
    rows, at = np.arange(len(facts.step))[:, None], np.maximum(facts.step, 0)
    later = facts.value[rows, at + 1]
    return np.where(facts.chooses, facts.value[rows, at], later)


def _is_right(facts: Facts) -> np.ndarray:
    return (facts.process.right == RIGHT).astype(float)


def _passed(facts: Facts) -> np.ndarray:
    done = np.cumsum(_is_right(facts), axis=1) - _is_right(facts)
    return done / len(facts.process.world.decisive)


def _share_right(facts: Facts) -> np.ndarray:
    return _is_right(facts).sum(axis=1) / len(facts.process.world.decisive)


def _flaws(facts: Facts) -> np.ndarray:
    return CRITICS * (facts.process.right == WRONG).astype(float)


def _node(facts: Facts) -> np.ndarray:
    rows = np.arange(len(facts.step))[:, None]
    return facts.process.text[rows, np.maximum(facts.step, 0) + 1]


def _reference(facts: Facts) -> np.ndarray:
    even = np.full(facts.process.actions.shape, -np.log(facts.process.world.actions))
    return facts.at_choices(even)


def _gain(facts: Facts) -> np.ndarray:
    return np.diff(facts.value, axis=1)


def _implicit(facts: Facts) -> np.ndarray:
    return _reference(facts) + facts.at_choices(_gain(facts) / IMPLICIT)


def _teacher(facts: Facts) -> np.ndarray:
    """log of pi exp(A / t), normalised in each text, at the token that chooses."""
    process, weight = facts.process, exact.chances(facts.process)
    tilt = np.exp(_gain(facts) / SHARP)
    columns = zip(process.text[:, :-1].T, tilt.T, strict=True)
    whole = [exact.mean_by(ids, column, weight) for ids, column in columns]
    return facts.logp + facts.at_choices(np.log(tilt / np.stack(whole, axis=1)))


def _entropy(facts: Facts) -> np.ndarray:
    p = exact.policy(facts.process.logits)
    each = -(p * np.log(p)).sum(axis=1)
    return facts.at_choices(each[facts.process.state])


def _sum_pi_squared(facts: Facts) -> np.ndarray:
    each = (exact.policy(facts.process.logits) ** 2).sum(axis=1)
    return facts.at_choices(each[facts.process.state], otherwise=1.0)


def _mean_logp(facts: Facts) -> np.ndarray:
    each = np.log(exact.policy(facts.process.logits)).mean(axis=1)
    return facts.at_choices(each[facts.process.state])


def _in_the_last_turn(facts: Facts) -> np.ndarray:
    return (facts.step == facts.step.max(axis=1, keepdims=True)) & (facts.step >= 0)


def _by_prompt(facts: Facts) -> np.ndarray:
    weight = exact.chances(facts.process)
    return exact.mean_by(facts.process.prompt, facts.process.success, weight)


def _greedy(facts: Facts) -> np.ndarray:
    process, p = facts.process, exact.policy(facts.process.logits)
    likeliest = np.where(process.taken, p.argmax(axis=1)[process.state], -1)
    goes = (likeliest == process.actions).all(axis=1).astype(float)
    return exact.mean_by(process.prompt, process.success, goes)


def _busy(facts: Facts) -> np.ndarray:
    return (facts.process.actions == facts.process.world.actions - 1).astype(float)


def _busy_turns(facts: Facts) -> np.ndarray:
    return _busy(facts).sum(axis=1)


def _busy_tokens(facts: Facts) -> np.ndarray:
    rows = np.arange(len(facts.step))[:, None]
    return (_busy(facts)[rows, np.maximum(facts.step, 0)] > 0) & (facts.step >= 0)


def _deciding_tokens(facts: Facts) -> np.ndarray:
    rows, at = np.arange(len(facts.step))[:, None], np.maximum(facts.step, 0)
    decides = facts.process.right[rows, at] != NEUTRAL
    return decides & (facts.step >= 0)


def _form(facts: Facts) -> np.ndarray:
    """1, but 0 where the last action opens an episode whose first turn is neutral."""
    process = facts.process
    neutral = process.right[:, 0] == NEUTRAL
    return 1.0 - (neutral & (_busy(facts)[:, 0] > 0))


def _members(facts: Facts) -> np.ndarray:
    last = facts.process.text[:, -1]
    return np.stack([_end(facts) + facts.error(1 + i)[last] for i in range(5)], axis=1)


def _references(facts: Facts) -> np.ndarray:
    """Scores of ten other answers to the prompt: quantiles of the policy's own."""
    process, weight = facts.process, exact.chances(facts.process)
    found = np.zeros((len(process.prompt), 10))
    for prompt in range(process.prompts):
        rows = np.flatnonzero(process.prompt == prompt)
        order = rows[np.argsort(_end(facts)[rows], kind="stable")]
        upto = np.cumsum(weight[order]) / weight[order].sum()
        at = np.searchsorted(upto, (np.arange(10) + 0.5) / 10)
        found[rows] = _end(facts)[order[np.minimum(at, len(order) - 1)]]
    return found


def _answers(facts: Facts) -> np.ndarray:
    """Right rows agree; wrong ones give one of three answers."""
    return np.where(facts.correct == 1, 0, 1 + facts.episode % 3)


def _lengths(facts: Facts) -> np.ndarray:
    turns = np.arange(facts.process.world.turns)[None, :, None]
    return (facts.step[:, None] == turns).sum(axis=2).astype(float)


MAKERS: dict[str, tuple[Maker, str]] = {
    "verdict": (lambda f: f.correct, "the verifier's verdict"),
    "paid_at_the_end": (_paid_at_the_end, "the verdict, at the last turn"),
    "chance_at_the_end": (_end, "the chance of success of the whole text"),
    "chance_after": (_after, "E[success | text] after each turn"),
    "chance_before": (_before, "E[success | text] before each turn"),
    "chances": (lambda f: f.value, "E[success | text] before each turn and at the end"),
    "chance_by_token": (_by_token, "E[success | text] before each token"),
    "step_is_right": (_is_right, "1 for a fork taken right, else 0"),
    "forks_passed": (_passed, "the share of forks taken right before each turn"),
    "share_right": (_share_right, "the share of forks taken right"),
    "critics": (_flaws, f"{CRITICS} critics, who all find a fork taken wrong"),
    "not_wrong": (lambda f: f.process.right != WRONG, "False for a fork taken wrong"),
    "shapley": (lambda f: exact.shapley(f.process), "the exact Shapley value"),
    "observation": (lambda f: f.process.anchor, "an id, as the world's `states` say"),
    "text": (_node, "an id of the text up to the turn's end: rows that agree share it"),
    "uniform_policy": (_reference, "of the policy that knows nothing"),
    "implicit_model": (_implicit, f"the reference's and the gain / {IMPLICIT}"),
    "teacher": (_teacher, f"the policy times exp(gain / {SHARP})"),
    "entropy": (_entropy, "of the choice; 0 where a turn is spelt out"),
    "sum_pi_squared": (_sum_pi_squared, "of the choice; 1 where a turn is spelt out"),
    "mean_logp": (_mean_logp, "of the actions"),
    "last_turn": (_in_the_last_turn, "the tokens of the last turn"),
    "all_ones": (lambda f: np.ones(len(f.step)), "1"),
    "ones_by_turn": (lambda f: np.ones(f.process.actions.shape), "1"),
    "failure": (lambda f: 1 - _by_prompt(f), "1 - the prompt's chance of success"),
    "greedy": (
        _greedy,
        "success of the likeliest actions; the mean over the hidden bit",
    ),
    "lengths": (_lengths, "the tokens of each turn"),
    "busy_turns": (_busy_turns, "how often the last action was taken"),
    "busy_tokens": (_busy_tokens, "the tokens of turns with the last action"),
    "deciding_tokens": (_deciding_tokens, "the tokens of turns that decide"),
    "own_logp": (lambda f: f.logp, "of the policy itself"),
    "form": (_form, "0 where the last action opens the episode, if that is neutral"),
    "members": (_members, "five scores of the whole text, each with an error more"),
    "error": (
        lambda f: np.full((len(f.step), 5), f.process.world.error),
        "the standard deviation of the error",
    ),
    "references": (_references, "ten quantiles of the policy's own scores"),
    "answers": (_answers, "right rows agree, wrong ones give one of three answers"),
}
