"""The cells of a table: the values of seeds, and how they are told."""

import numpy as np

from rewardlab.analysis.statistics import Range, student
from rewardlab.results.numbers import Seeds
from rewardlab.system.printable import one_line


def finite(values: Seeds) -> Seeds:
    """The seeds that have the number."""
    return values[np.isfinite(values)]


def both(a: Seeds, b: Seeds) -> tuple[Seeds, Seeds]:
    """The values of the seeds that have both numbers."""
    there = np.isfinite(a) & np.isfinite(b)
    return a[there], b[there]


def cell(values: Seeds, within: Range) -> str:
    """A mean with its interval, if there is more than one seed.

    Where a seed has no value, how many have. Where one never reached a score there is
    no mean: the median, if more than half of them did.
    """
    there = finite(values)
    if np.isinf(values).any():
        ran, middle = np.isfinite(values).sum(), np.nanmedian(values)
        median = f"median {middle:.1f}, " if np.isfinite(middle) else ""
        return f"{median}reached by {ran} of {np.sum(~np.isnan(values))} seeds"
    lacks = (
        "" if len(there) == len(values) else f" ({len(there)} of {len(values)} seeds)"
    )
    if not len(there):
        return f"0 of {len(values)} seeds"
    form = "{:.3f}" if np.abs(there).max() < 10 else "{:.1f}"
    if len(there) == 1:
        return form.format(there[0]) + lacks
    mean, low, high = map(form.format, student(there, within=within))
    return f"{mean} [{low}, {high}]{lacks}"


def in_code(text: str) -> str:
    """A name in a cell of a Markdown table."""
    said = one_line(text).replace("|", "\\|").replace("`", "'")
    return f"`{said}`"
