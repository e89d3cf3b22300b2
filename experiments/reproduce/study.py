"""What a study is: a claim, the grid that tries it, and what the claim expects."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rewardlab.launch.grid import grid_of
from rewardlab.launch.plan import Grid

# One loss for all arms, where rows would bring their own: the credit alone differs.
BY_TOKEN = "--config.loss=clipped(epsilon=0.2) | token_mean()"
BY_ROW = "--config.loss=clipped(epsilon=0.2) | sequence_mean()"
SIGNS = {">": "is higher than", "<": "is lower than", "=": "is as high as"}


class Expected(NamedTuple):
    """That one arm's number is higher, lower, or as high as another's."""

    arm: str
    sign: str  # of SIGNS
    than: str
    measure: str = "pass@1"
    margin: float = 0.05  # of "=": a difference that nobody would mind

    def __str__(self) -> str:
        within = f", within {self.margin:g}" if self.sign == "=" else ""
        return f"{self.measure}: {self.arm} {SIGNS[self.sign]} {self.than}{within}"


class Study(NamedTuple):
    """A claim and the grid that tries it; the first arm is what others stand against.

    All arms have one loss but those that try another. Studies with one `folder` share
    the base policies of their seeds, and arms of one name and config.
    """

    title: str  # of its section in RESULTS.md
    claim: str
    config: str
    arms: tuple[str, ...]  # as `rewardlab grid --arm` reads them
    expects: tuple[Expected, ...] = ()
    options: tuple[str, ...] = ()  # of every run
    seeds: str = "0..4"
    measures: str = "pass@1,pass@8,mean_length"
    reach: float | None = None
    folder: str = ""  # "": its own

    def command(self, name: str, root: Path) -> list[str]:
        """What is said after `rewardlab grid`, without who does the runs."""
        said = [f"--config={self.config}", f"--seeds={self.seeds}"]
        said += [f"--workdir={root / (self.folder or name)}"]
        said += [f"--measure={self.measures}"]
        said += [f"--reach={self.reach}"] * (self.reach is not None)
        said += [f"--question={self.claim}"]
        said += [f"--arm={arm}" for arm in self.arms]
        return [*said, "--", *self.options]

    def grid(self, name: str, root: Path) -> Grid:
        """The grid of its runs under `root`."""
        return grid_of(self.command(name, root))


def arm(name: str, reward: str, options: Mapping[str, object] | None = None) -> str:
    """An arm as `--arm` reads it, with values of the config that it alone has."""
    said = [f"--config.{k}={shlex.quote(str(x))}" for k, x in (options or {}).items()]
    return " ".join([f"{name}={reward}", *said])
