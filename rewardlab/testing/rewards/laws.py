"""The laws of a reward of texts, each with the smallest text that breaks it."""

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky, NoSuchExample

from rewardlab.system.answers import Failure, Row
from rewardlab.testing.finding import FAILS, HOLDS, UNTRIED, Finding
from rewardlab.testing.rewards.asking import Case, Reward, shortened, spoken
from rewardlab.testing.rewards.examples import Example
from rewardlab.testing.rewards.failing import ERRORS, Failing
from rewardlab.testing.rewards.longer import HOSTILE, any_text, longer

CLOSE = 1e-5  # of a reward: numbers of a batch may be rounded otherwise
ALIKE = "it pays right and wrong completions alike, so it is taken for one of style"
NO_RIGHT = "nobody said which completions are right; give examples or a task"


class Trial(NamedTuple):
    """A reward, and what it is tried on."""

    reward: Reward
    examples: tuple[Example, ...]
    tries: int
    bound: float
    limit: float  # seconds a call with a hostile text

    def smallest(
        self, strategy: st.SearchStrategy[Any], breaks: Callable[[Any], bool]
    ) -> Any:
        """The smallest draw that breaks a law; None if none of the tries does."""
        how = settings(
            max_examples=self.tries,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        try:
            return find(strategy, breaks, settings=how, random=random.Random(0))
        except NoSuchExample:
            return None

    @property
    def cases(self) -> list[Case]:
        """Every completion that was given."""
        return [Case(e, text) for e in self.examples for text in (*e.right, *e.wrong)]

    def any_case(self) -> st.SearchStrategy[Case]:
        """One of them."""
        return st.sampled_from(self.cases)

    @property
    def duels(self) -> list[tuple[Case, Case]]:
        """A right completion and a wrong one of the same problem."""
        return [
            (Case(e, right), Case(e, wrong))
            for e in self.examples
            for right in e.right
            for wrong in e.wrong
        ]


def answers(trial: Trial) -> Finding:
    """Whatever the text is, there is a finite number or None."""
    example = trial.examples[0]
    for text in HOSTILE:
        (answer,) = trial.reward([Case(example, text)], trial.limit)
        if isinstance(answer, Failure):
            return _broken(f"of {shortened(text)}: {answer.reason}")

    def fails(case: Case) -> bool:
        return isinstance(trial.reward([case])[0], Failure)

    cases = st.builds(Case, st.sampled_from(trial.examples), any_text())
    if (case := trial.smallest(cases, fails)) is None:
        return Finding(HOLDS)
    return _broken(f"of {case}: {spoken(trial.reward([case]))}")


def repeats(trial: Trial) -> Finding:
    """Asked again, it says the same."""
    for case in trial.cases:
        first, *others = (trial.reward([case])[0] for _ in range(4))
        for other in others:
            if not _same(first, other):
                return _broken(f"of {case}: first {spoken([first])}, {_then(other)}")
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
    return _broken(
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
    return _broken(f"{case}, {other}, {case}: {said}")


def right_first(trial: Trial) -> Finding:
    """A right completion is paid no less than a wrong one."""
    if not trial.duels:
        return Finding(UNTRIED, why=NO_RIGHT)
    told_apart = False
    for right, wrong in sorted(trial.duels, key=lambda duel: len(duel[0].text)):
        paid = trial.reward.pays(right, wrong)
        if paid and paid[0] < paid[1] - CLOSE:
            return _broken(
                f"right {right} gets {paid[0]:.6g}, wrong {wrong} {paid[1]:.6g}"
            )
        told_apart |= bool(paid) and paid[0] > paid[1] + CLOSE  # type: ignore[index]
    return Finding(HOLDS) if told_apart else Finding(UNTRIED, why=ALIKE)


def penalty(trial: Trial) -> Finding:
    """However long, a right completion is paid no less than a wrong one as it is.

    Only where the reward still sees that the longer one is right: against a wrong one
    that is made longer as well, at least half of what it gains by being right is left.
    """
    duels = [
        duel
        for duel in trial.duels
        if (both := trial.reward.pays(*duel)) and both[0] > both[1] + CLOSE
    ]
    if not duels:
        return Finding(UNTRIED, why=ALIKE if trial.duels else NO_RIGHT)

    def paid(draw: Any) -> list[float] | None:
        (right, wrong), more = draw
        return trial.reward.pays(
            *(right, wrong), *(_longer(right, more), _longer(wrong, more))
        )

    def punished(draw: Any) -> bool:
        if (numbers := paid(draw)) is None:
            return False
        right, wrong, right_and_long, wrong_and_long = numbers
        seen = right_and_long - wrong_and_long > (right - wrong) / 2
        return seen and right_and_long < wrong - CLOSE

    found = trial.smallest(st.tuples(st.sampled_from(duels), longer()), punished)
    if found is None:
        return Finding(HOLDS)
    (right, wrong), more = found
    _, other, worth, _ = paid(found) or (0, 0, 0, 0)
    return _broken(
        f"right {right} with {more} gets {worth:.6g}, wrong {wrong} {other:.6g}"
    )


def length(trial: Trial) -> Finding:
    """A wrong completion gains nothing by being longer."""
    wrong = [Case(e, text) for e in trial.examples for text in e.wrong if text.strip()]
    if not wrong:
        return Finding(UNTRIED, why=NO_RIGHT)

    def gains(draw: Any) -> bool:
        case, more = draw
        new = _longer(case, more)
        known = [text.strip() for text in case.example.right]
        if any(text and text in new.text for text in known):
            return False  # it is said somewhere in what was added
        paid = trial.reward.pays(case, new)
        return paid is not None and paid[1] > paid[0] + CLOSE

    found = trial.smallest(st.tuples(st.sampled_from(wrong), longer()), gains)
    if found is None:
        return Finding(HOLDS)
    case, more = found
    before, after = trial.reward.pays(case, _longer(case, more)) or (0, 0)
    return _broken(f"wrong {case} gets {before:.6g}, with {more} {after:.6g}")


def bounded(trial: Trial) -> Finding:
    """No reward is larger than the bound."""

    def large(draw: Any) -> bool:
        case, more = draw
        paid = trial.reward.pays(_longer(case, more))
        return paid is not None and abs(paid[0]) > trial.bound

    found = trial.smallest(st.tuples(trial.any_case(), longer()), large)
    if found is None:
        return Finding(HOLDS)
    case, more = found
    (paid,) = trial.reward.pays(_longer(case, more)) or (0,)
    return _broken(
        f"{case} with {more} gets {paid:.6g}, and the bound is {trial.bound:g}"
    )


def failure(trial: Trial) -> Finding:
    """What fails inside is not paid: the function raises, or gives None for the row."""
    case, touched = trial.cases[0], False
    for name in case.example.columns:
        for error in ERRORS:
            fails = Failing(error)
            columns = {**case.example.columns, name: fails}
            broken = Case(case.example._replace(columns=columns), case.text)
            (answer,) = trial.reward([broken])
            touched |= bool(fails.asked)
            if fails.asked and isinstance(answer, float):
                said = f"{type(error).__name__} while it reads {name!r}"
                return _broken(
                    f"{said} is paid {answer:.6g}; let it raise, or give None"
                )
    if touched:
        return Finding(HOLDS)
    return Finding(UNTRIED, why="no column of it could be made to fail")


def _longer(case: Case, more: Any) -> Case:
    return case._replace(text=more.of(case.text))


def _broken(why: str) -> Finding:
    return Finding(FAILS, why=why)


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
