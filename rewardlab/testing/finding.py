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


class Checked(NamedTuple):
    """All that was found of one sentence; as text it is a table."""

    sentence: str
    findings: dict[str, Finding]

    @property
    def passed(self) -> bool:
        """Whether everything holds that must."""
        return not any(finding.broken for finding in self.findings.values())

    def __str__(self) -> str:
        wide = max(map(len, self.findings))
        lines = [self.sentence, ""]
        for name, found in self.findings.items():
            free = found.verdict == FAILS and not found.must
            verdict = "not claimed" if free else found.verdict
            mark = "!" if found.broken else " "
            lines.append(f"{mark} {name:{wide}}  {verdict:13}  {found.says}".rstrip())
            if found.why and not free:
                lines.append(f"  {'':{wide}}  {'':13}  {found.why}")
        end = "All that must hold does." if self.passed else "What has a ! must hold."
        return "\n".join([*lines, "", end])


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
