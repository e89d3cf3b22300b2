"""What is said of a rescoring: the same sentences in the terminal and on the page."""

import math
from collections.abc import Callable, Iterator

from rewardlab.show.rescore.apart import Apart
from rewardlab.show.rescore.found import Rescored
from rewardlab.show.rescore.paid import Paid
from rewardlab.system.printable import number, one_line, signed

HEAD = (
    "step",
    "reward",
    "right above wrong",
    "r, rewards",
    "r, tokens",
    "opposite signs",
    "by one alone",
    "mean change",
)
LEGEND = (
    "right above wrong: of a prompt's pairs of a right and a wrong row, those whose "
    "right one is paid more; r: Pearson's correlation of rewards over rows, and of "
    "advantages over tokens; opposite signs: of the policy's tokens, those that one "
    "sentence pushes up and the other down; by one alone: those to which only one "
    "gives an advantage; mean change: of a token's advantage, and the mean size of "
    "what it had"
)


def title(found: Rescored) -> str:
    """Run and steps."""
    shown = [step.kept.step for step in found.steps]
    which = f"step {shown[0]}" if len(shown) == 1 else f"{len(shown)} kept steps"
    return one_line(f"{found.run}  {which}")


def sentence(words: tuple[str, ...]) -> str:
    """Of words."""
    return one_line(" | ".join(words))


def notes(found: Rescored) -> Iterator[str]:
    """What there is to know of the numbers below."""
    if found.own:
        yield own(found)
    if found.anew:
        first = found.steps[0].kept.step if len(found.steps) > 1 else found.kept[0]
        words = ", ".join(found.anew)
        yield (
            f"{words}: the state begins at step {first}, the first that was kept, and "
            "sees the kept steps alone; a run would have carried it through all"
        )


def own(found: Rescored) -> str:
    """Whether the run's own sentence gives what the run had."""
    gives = "the run's own sentence gives the advantages it had"
    if found.learned == 0:
        return f"{gives}, to the bit"
    if found.written == 0 and found.learned <= ROUNDING * found.size:
        return (
            f"{gives}: the channels in the bundle to the bit, the learner's own "
            f"numbers, summed in another order, to {number(found.learned)}"
        )
    return (
        f"the run's own sentence does NOT give the advantages it had: they differ by "
        f"up to {number(found.learned)}; compare the commit and the machine with those "
        "of the run"
    )


ROUNDING = 1e-5  # of the greatest advantage, what sums in another order are apart


def cells(row: Apart) -> tuple[str, ...]:
    """A row of the table under `HEAD`."""
    return (
        row.name,
        _two(row.reward),
        _two(row.ordered),
        _one(row.rewards),
        _one(row.advantages),
        _share(row.opposite),
        _share(row.one_alone),
        "" if math.isnan(row.change) else f"{number(row.change)} of {number(row.size)}",
    )


def arrow(before: str, after: str) -> str:
    """One if both are the same."""
    return before if before == after else f"{before} → {after}"


def paid(row: Paid) -> str:
    """A row's reward, as it was and as it would be."""
    return arrow(*(_of(x.reward, number) for x in (row.had, row.would)))


def credited(row: Paid) -> str:
    """The mean advantage of its tokens, likewise."""
    return arrow(*(_of(x.advantage, signed) for x in (row.had, row.would)))


def _of(x: float | None, say: Callable[[float], str]) -> str:
    return "absent" if x is None else say(x)


def _two(pair: tuple[float, float]) -> str:
    return arrow(*map(_one, pair)) if not all(map(math.isnan, pair)) else "–"


def _one(x: float) -> str:
    return "–" if math.isnan(x) else number(x)


def _share(x: float) -> str:
    return "–" if math.isnan(x) else f"{100 * x:.3g} %"
