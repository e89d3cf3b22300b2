"""A table for a paper: LaTeX with booktabs, whatever stands in its cells."""

from collections.abc import Sequence

from rewardlab.system.printable import one_line

_ESCAPED = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    '"': "''",
}


def escaped(text: str) -> str:
    """The text as LaTeX prints it; a bracket in front is no option of the row above."""
    said = "".join(_ESCAPED.get(c, c) for c in one_line(text))
    return "{}" + said if said.startswith(("[", "*")) else said


def tabular(head: Sequence[str], rows: Sequence[Sequence[str]], said: str) -> str:
    """A `tabular`: names to the left, numbers to the right; `said` is its comment."""
    lines = [" & ".join(map(escaped, row)) + " \\\\" for row in (head, *rows)]
    columns = "l" + "r" * (len(head) - 1)
    top = [f"% {one_line(said)}", f"\\begin{{tabular}}{{{columns}}}", "\\toprule"]
    end = ["\\bottomrule", "\\end{tabular}"]
    return "\n".join([*top, lines[0], "\\midrule", *lines[1:], *end]) + "\n"
