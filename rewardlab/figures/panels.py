"""Which numbers of a run are drawn, and how they are called."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rewardlab.figures.curves import Trained

Arms = Mapping[str, Sequence[Trained]]  # by arm a run for each seed
MOST = 6  # panels, without those of measures that were asked for


class Panel(NamedTuple):
    """One quantity over training; `dots` is measured now and then, on other data."""

    title: str
    unit: str
    name: str
    dots: str = ""
    share: bool = False  # a number in [0, 1]


REWARD = Panel("Reward trained on", "a completion", "reward/mean")
TRUTH = Panel("True accuracy", "share", "rewards/correct/mean", "eval/pass@1", True)
# What is learned from and is not the truth: a process reward, or a reward model.
PROCESS = Panel("Process reward", "a completion", "rewards/prm/mean")
MODELS = (
    Panel("Reward model", "a completion", "rewards/score/mean"),
    Panel("Reward models", "a completion", "rewards/members/mean"),
)
OTHERS = (
    Panel("Length", "tokens a completion", "completions/mean_length"),
    Panel("KL to reference", "nats a token", "kl"),
    Panel("Entropy", "nats a token", "entropy"),
    Panel("Gradient norm", "before clipping", "grad_norm"),
)
DRAWN = ("eval/pass@1", "eval/pass@8", "eval/mean_length")


def panels_of(arms: Arms, measures: Sequence[str] = ()) -> list[Panel]:
    """What is trained on, the proxy and the truth apart, then how the policy writes,
    and the held-out `measures` that none of these shows."""
    known = known_in(arms)
    proxy = [p for p in (*MODELS, PROCESS) if p.name in known][:1]
    usual = [p for p in (REWARD, *proxy, TRUTH, *OTHERS) if known & {p.name, p.dots}]
    more = [
        Panel(m, "an episode", f"rewards/{m}/mean", f"eval/{m}")
        for m in measures
        if f"eval/{m}" in known and f"eval/{m}" not in DRAWN
    ]
    return [*usual[:MOST], *more[:3]]


def known_in(arms: Arms) -> set[str]:
    """The numbers that some run has."""
    rows = [row for runs in arms.values() for run in runs for row in run.rows]
    return {name for row in rows for name, x in row.items() if x is not None}
