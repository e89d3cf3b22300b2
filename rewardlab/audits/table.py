"""Audits as a table for people: how to read a column is said below it."""

from collections.abc import Sequence

import numpy as np

from rewardlab.audits import exact
from rewardlab.audits.audit import Audit
from rewardlab.audits.process import enumerated
from rewardlab.audits.world import World

READS = """\
bias: sine of the angle from the expected gradient to the true one, 0 is unbiased
variance, SNR: of one batch's gradient; variance over the true gradient's squared length
at budget: mean cosine to the true gradient for equally many turns, restarts included
credit: correlation of what a turn is paid with its advantage Q - V
off: the part of expected credit that does not go along with Q - V
sign: share of decisive turns that are paid with the advantage's sign
decoys, precision: the share of |expected credit| on decoys, on turns that decide
recall: the share of turns that decide among the as many that are paid most
optimum: success of the policy that is best for the shaped return, where that is less"""
HEADS = (
    "bias",
    "variance",
    "SNR",
    "at budget",
    "credit",
    "off",
    "sign",
    "decoys",
    "precision",
    "recall",
    "optimum",
)


def cells(one: Audit) -> list[str]:
    """An audit's numbers as they are printed, in the order of `HEADS`."""
    error = f" ±{one.error.bias:.3f}" if one.error.bias >= 5e-4 else ""
    numbers = (one.noise.variance, one.noise.snr)
    return [
        f"{one.direction.bias:.3f}{error}",
        *(f"{x:.3g}" if np.isfinite(x) else "-" for x in numbers),
        *(f"{x:.2f}" for x in (one.budget, *one.credit)),
        optimum(one),
    ]


def optimum(one: Audit) -> str:
    """`kept`, or the success of the best policy and of the one that shaping prefers."""
    if one.optimum is None:
        return "-"
    if not one.optimum.changed:
        return "kept"
    return f"{one.optimum.best:.2f} -> {one.optimum.kept:.2f}"


def table(audits: Sequence[Audit]) -> str:
    """Audits of one world below one another, then its turns."""
    labels = [
        chr(ord("A") + i) if len(a.name) > 24 else a.name for i, a in enumerate(audits)
    ]
    rows = [["", *HEADS]]
    rows += [[label, *cells(a)] for label, a in zip(labels, audits, strict=True)]
    long = [
        f"{x}: {a.name}" for x, a in zip(labels, audits, strict=True) if x != a.name
    ]
    how = (
        "every batch listed"
        if all(a.listed for a in audits)
        else "± is a standard error"
    )
    return "\n".join([*long, *aligned(rows), how, "", *of_turns(audits), "", READS])


def of_turns(audits: Sequence[Audit]) -> list[str]:
    """By turn: what it is, its share of the outcome's variance, and |credit|."""
    world = audits[0].world
    process = enumerated(world)
    shares = exact.variance_shares(process)
    chance = exact.chances(process) / process.prompts
    true = chance @ np.abs(exact.advantages(process))
    rows = [["turn", "is", "share of variance", "|Q - V|", *(_head(a) for a in audits)]]
    for k in range(world.turns):
        paid = [f"{a.paid[k]:.3f}" for a in audits]
        numbers = [f"{shares.turns[k]:.3f}", f"{true[k]:.3f}", *paid]
        rows.append([str(k), kind(world, k), *numbers])
    rest = f"prompt {shares.prompt:.3f}, verdict {shares.verdict:.3f}"
    rest += f", hidden bit {shares.bit:.3f}" if world.hidden else ""
    return [*aligned(rows), f"the rest of the variance: {rest}"]


def kind(world: World, turn: int) -> str:
    """What a turn is."""
    if turn in world.forks:
        return "fork"
    if turn in world.decisive:
        return "recovery"
    return "decoy" if turn in world.decoys else "neutral"


def _head(one: Audit) -> str:
    return f"|{one.name if len(one.name) <= 16 else one.name[:15] + '…'}|"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns side by side, the first to the left and the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        first, *others = (
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *others]).rstrip())
    return lines
