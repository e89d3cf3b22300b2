"""Colours of numbers in the terminal, which read on light and on dark.

Black text reads on all of them. Blue and orange are told apart by colour-blind readers,
and below zero is underlined too.
"""

NOT_FINITE = "bold #ffffff on #b00020"
BELOW, NEUTRAL, ABOVE = (255, 150, 40), (184, 184, 184), (86, 160, 255)


def style(value: float, peak: float) -> str:
    """Straight from neutral to full, so that twice the number is twice as far."""
    if not value or not peak:
        return ""
    full, share = ABOVE if value > 0 else BELOW, min(abs(value) / peak, 1.0)
    shade = (round(n + share * (c - n)) for n, c in zip(NEUTRAL, full, strict=True))
    underline = "" if value > 0 else " underline"
    return "#000000 on rgb({},{},{})".format(*shade) + underline
