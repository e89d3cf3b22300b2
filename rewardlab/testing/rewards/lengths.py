"""Laws of what is right and of how long it is."""

from typing import Any

from hypothesis import strategies as st

from rewardlab.testing.finding import HOLDS, UNTRIED, Finding
from rewardlab.testing.rewards.asking import Case
from rewardlab.testing.rewards.longer import longer
from rewardlab.testing.rewards.trial import CLOSE, Trial, broken

ALIKE = "it pays right and wrong completions alike, so it is taken for one of style"
NO_RIGHT = "nobody said which completions are right; give examples or a task"


def right_first(trial: Trial) -> Finding:
    """A right completion is paid no less than a wrong one."""
    if not trial.duels:
        return Finding(UNTRIED, why=NO_RIGHT)
    told_apart = False
    for right, wrong in sorted(trial.duels, key=lambda duel: len(duel[0].text)):
        paid = trial.reward.pays(right, wrong)
        if paid and paid[0] < paid[1] - CLOSE:
            return broken(
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
    return broken(
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
    return broken(f"wrong {case} gets {before:.6g}, with {more} {after:.6g}")


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
    return broken(
        f"{case} with {more} gets {paid:.6g}, and the bound is {trial.bound:g}"
    )


def _longer(case: Case, more: Any) -> Case:
    return case._replace(text=more.of(case.text))
