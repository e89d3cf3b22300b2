"""What was found of one law."""

from typing import NamedTuple

HOLDS, FAILS, UNTRIED = "holds", "does not hold", "not tried"


class Finding(NamedTuple):
    """What was found of one law, or of one kind of batch."""

    verdict: str  # HOLDS, FAILS or UNTRIED
    says: str = ""  # the law
    must: bool = True  # every transform must keep it, or its method claims it
    why: str = ""

    @property
    def broken(self) -> bool:
        """Whether it does not hold and must."""
        return self.must and self.verdict == FAILS


def judged(size: float, most: float, says: str = "", must: bool = True) -> Finding:
    """By how much it is violated, of the greatest advantage; NaN is a violation."""
    if size <= most:
        return Finding(HOLDS, says, must)
    why = f"off by {size:.2g} of the greatest advantage"
    return Finding(FAILS, says, must, why)


def raised(error: Exception, says: str = "") -> Finding:
    """What cannot even be computed does not hold."""
    first = next(iter(str(error).splitlines()), "")
    return Finding(FAILS, says, True, f"{type(error).__name__}: {first}")
