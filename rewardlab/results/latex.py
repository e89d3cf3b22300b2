"""A table for a paper: LaTeX with booktabs, whatever stands in its cells."""

import re
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
    "`": "\\`{}",
}
# Of a number: what stands before its digits and after no letter is no hyphen.
_MINUS = re.compile(r"(?<![\w.)])-(?=\d)")


def escaped(text: str) -> str:
    """The text as LaTeX prints it; a bracket in front is no option of the row above."""
    said = "".join(_ESCAPED.get(c, c) for c in one_line(text))
    said = said.replace("--", "-{}-").replace("--", "-{}-")  # no dash is made of them
    return "{}" + said if said.startswith(("[", "*")) else said


def tabular(head: Sequence[str], rows: Sequence[Sequence[str]], said: str) -> str:
    """A `tabular`: names to the left, numbers to the right; `said` is its comment."""
    lines = [" & ".join([escaped(row[0]), *map(_number, row[1:])]) + " \\\\"
             for row in (head, *rows)]  # fmt: skip
    columns = "l" + "r" * (len(head) - 1)
    top = [f"% {one_line(said)}", "% needs \\usepackage{booktabs}"]
    top += [f"\\begin{{tabular}}{{{columns}}}", "\\toprule"]
    end = ["\\bottomrule", "\\end{tabular}"]
    return "\n".join([*top, lines[0], "\\midrule", *lines[1:], *end]) + "\n"


def _number(text: str) -> str:
    """A cell whose numbers have a minus and no hyphen: `-0.1` is `$-$0.1`."""
    return _MINUS.sub("$-$", escaped(text))
