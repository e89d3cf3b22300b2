"""Texts and numbers as a person reads them."""


def visible(text: str) -> str:
    """Every character to be seen: `↵` before a newline, others as Python escapes them.

    A terminal or a page must not obey what a policy writes: escape sequences and marks
    that turn the direction of writing are shown, not done.
    """
    return "".join(map(_visible, text))


def one_line(text: str) -> str:
    """As `visible`, in one line: for names and for what an error says."""
    return visible(text).replace("\n", "")


def number(x: float) -> str:
    """Three digits, without a sign of zero."""
    return f"{x + 0.0:.3g}"


def signed(x: float) -> str:
    """Three digits, with the sign of all but zero."""
    return f"{x:+.3g}" if x else "0"


def _visible(c: str) -> str:
    if c == "\n":
        return "↵\n"
    return c if c.isprintable() else c.encode("unicode_escape").decode()
