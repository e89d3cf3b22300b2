"""Runs whose programs are equal: what is compiled for one serves the others.

Seeds, and the numbers of sentences, are arguments of a program. So runs that differ in
nothing else share it, in a process that does one after another.
"""

import contextlib
import json
from collections import OrderedDict
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from rewardlab.core.literals import skeleton
from rewardlab.core.lookup import GIVEN
from rewardlab.runs.builders import loss_of, reward_of
from rewardlab.runs.generate import judging_temperature
from rewardlab.runs.record import resolved
from rewardlab.runs.signals import scorers_text
from rewardlab.scorers.sentence import words_of

MOST = 4  # programs that are kept, with their problems; the oldest goes first
_SENTENCES = "reward loss scorers sentence hp".split()
_TRACED = "seed optim.lr rollout.temperature eval.temperature".split()
# What no program depends on: where a run begins, how often it writes, when it gives up.
_OUTSIDE = (
    "model.init_from train.max_skipped train.max_unrewarded train.fail_on eval.every"
).split()
_GROUPS = "log checkpoint hp".split()


class Kept:
    """The programs of a process that does several runs, by what tells them apart."""

    def __init__(self) -> None:
        self.runs: OrderedDict[str, Any] = OrderedDict()
        self.alone = False  # whether the newest run's program serves no other


_kept: ContextVar[Kept | None] = ContextVar("kept", default=None)


def program_of(config: ConfigDict) -> str:
    """A text that two configs have in common if their programs are equal.

    It is the config without its seed and with the path of each traced number in the
    number's place.
    """
    flat = flatten_dict(resolved(config), sep=".")
    left = {*_SENTENCES, *_TRACED, *_OUTSIDE}
    shaping = {
        key: value
        for key, value in flat.items()
        if key not in left and key.split(".")[0] not in _GROUPS
    }
    scorers = words_of(scorers_text(config))
    sentences = {
        "reward": skeleton(reward_of(config), "reward"),
        "loss": skeleton(loss_of(config), "loss"),
        "scorers": skeleton(scorers, "scorers") if scorers else "",
    }
    greedy = not judging_temperature(config)
    return json.dumps([shaping, sentences, greedy], sort_keys=True, default=str)


@contextlib.contextmanager
def programs_kept() -> Iterator[Kept]:
    """Inside, a run whose program is that of an earlier run compiles nothing."""
    token = _kept.set(kept := Kept())
    try:
        yield kept
    finally:
        _kept.reset(token)


def known(config: ConfigDict) -> Any:
    """What was kept of an earlier run with this program; None if nothing was."""
    kept = _kept.get()
    return kept.runs.get(program_of(config)) if kept and kept.runs else None


def keep(config: ConfigDict, run: Any, on_device: bool) -> None:
    """Keeps a run's programs for those that follow.

    Not those that ask Python, which may remember what it was asked, nor those of
    objects that were handed over, whose names mean others in another run.
    """
    if (kept := _kept.get()) is None:
        return
    name = program_of(config)
    kept.alone = not on_device or f"{GIVEN}:" in name
    if not kept.alone:
        kept.runs[name] = run
        while len(kept.runs) > MOST:
            kept.runs.popitem(last=False)
