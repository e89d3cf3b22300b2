"""Numbers in text: the last one, and the one that stands behind a mark."""

import re
from fractions import Fraction

MARK = "####"
# A minus belongs to a number unless something stands right before it: 5-3 ends in 3.
_NUMBER = re.compile(r"(?:(?<![\w.)])-)?\$?(?:\d[\d,]*(?:\.\d+)?|\.\d+)", re.A)


def number(text: str) -> Fraction | None:
    """The value of a number as people write it, with commas and a $; None for none.

    number("$1,200.50") == Fraction(2401, 2)
    """
    text = text.strip()
    if _NUMBER.fullmatch(text) is None:
        return None
    try:
        return Fraction(text.replace(",", "").replace("$", ""))
    except ValueError:  # thousands of digits
        return None


def last_number(text: str) -> Fraction | None:
    """The number that stands last in a text; None if there is none.

    last_number("7 + 5 = 12.") == 12
    """
    found = _NUMBER.findall(text)
    return number(found[-1]) if found else None


def marked_number(text: str, mark: str = MARK) -> Fraction | None:
    """The number right behind the last mark, as GSM8K's solutions end; else None.

    marked_number("2 + 3 = 5\\n#### 5") == 5
    """
    _, found, rest = text.rpartition(mark)
    behind = _NUMBER.match(rest.lstrip()) if found else None
    return number(behind[0]) if behind else None
