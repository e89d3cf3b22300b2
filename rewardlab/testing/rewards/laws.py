"""The laws of a reward of texts, each with the smallest text that breaks it."""

from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st
from hypothesis.errors import Flaky

from rewardlab.system.answers import Failure, Row
from rewardlab.testing.finding import HOLDS, UNTRIED, Finding
from rewardlab.testing.rewards.asking import Case, shortened, spoken
from rewardlab.testing.rewards.failing import ERRORS, Failing
from rewardlab.testing.rewards.lengths import bounded, length, penalty, right_first
from rewardlab.testing.rewards.longer import HOSTILE, any_text
from rewardlab.testing.rewards.trial import CLOSE, Trial, broken


def answers(trial: Trial) -> Finding:
    """Whatever the text is, there is a finite number or None."""
    example = trial.examples[0]
    for text in HOSTILE:
        (answer,) = trial.reward([Case(example, text)], trial.limit)
        if isinstance(answer, Failure):
            return broken(f"of {shortened(text)}: {answer.reason}")

    def fails(case: Case) -> bool:
        return isinstance(trial.reward([case])[0], Failure)

    cases = st.builds(Case, st.sampled_from(trial.examples), any_text())
    if (case := trial.smallest(cases, fails)) is None:
        return Finding(HOLDS)
    return broken(f"of {case}: {spoken(trial.reward([case]))}")


def repeats(trial: Trial) -> Finding:
    """Asked again, it says the same."""
    for case in trial.cases:
        first, *others = (trial.reward([case])[0] for _ in range(4))
        for other in others:
            if not _same(first, other):
                return broken(f"of {case}: first {spoken([first])}, {_then(other)}")
    return Finding(HOLDS)


def neighbours(trial: Trial) -> Finding:
    """A reward does not depend on what else is in the batch, nor on its order."""

    def changed(cases: list[Case]) -> Iterator[tuple[Case, Row | Failure, Any]]:
        together = trial.reward(cases)
        for case, other in zip(cases, together, strict=True):
            (alone,) = trial.reward([case])
            if not isinstance(alone, Failure) and not _same(alone, other):
                yield case, alone, other

    batches = st.lists(trial.any_case(), min_size=2, max_size=6)
    found = trial.smallest(batches, lambda cases: any(changed(cases)))
    if found is None:
        return Finding(HOLDS)
    case, alone, other = next(changed(found))
    texts = ", ".join(map(str, found))
    return broken(
        f"{case} alone gets {spoken([alone])}, and {spoken([other])} among {texts}"
    )


def equal(trial: Trial) -> Finding:
    """Equal completions of a problem are paid alike, wherever they stand."""

    def differ(draw: tuple[Case, Case]) -> bool:
        case, other = draw
        first, _, last = trial.reward([case, other, case])
        return not _same(first, last)

    pairs = st.tuples(trial.any_case(), trial.any_case())
    if (found := trial.smallest(pairs, differ)) is None:
        return Finding(HOLDS)
    case, other = found
    first, _, last = trial.reward([case, other, case])
    said = f"{spoken([first])} as the first and {spoken([last])} as the last"
    return broken(f"{case}, {other}, {case}: {said}")


def failure(trial: Trial) -> Finding:
    """What fails inside is not paid: the function raises, or gives None for the row."""
    case, touched = trial.cases[0], False
    for name in case.example.columns:
        for error in ERRORS:
            fails = Failing(error)
            columns = {**case.example.columns, name: fails}
            spoilt = Case(case.example._replace(columns=columns), case.text)
            (answer,) = trial.reward([spoilt])
            touched |= bool(fails.asked)
            if fails.asked and isinstance(answer, float):
                said = f"{type(error).__name__} while it reads {name!r}"
                return broken(
                    f"{said} is paid {answer:.6g}; let it raise, or give None"
                )
    if touched:
        return Finding(HOLDS)
    return Finding(UNTRIED, why="no column of it could be made to fail")


def _then(answer: Row | Failure) -> str:
    return f"then {spoken([answer])}"


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= CLOSE * max(1.0, abs(one))
    return type(one) is type(other)


LAWS: dict[str, Callable[[Trial], Finding]] = {
    "answers": answers,
    "repeats": repeats,
    "neighbours": neighbours,
    "equal": equal,
    "right_first": right_first,
    "penalty": penalty,
    "length": length,
    "bounded": bounded,
    "failure": failure,
}
RANDOM = Flaky  # what hypothesis raises of a function that changes its mind
