"""Who does the runs of a grid: the flags that say so, and what they stand for."""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rewardlab.launch.children import Children
from rewardlab.launch.launchers import Ended, Launcher, Local
from rewardlab.launch.places import places
from rewardlab.launch.plan import Planned
from rewardlab.launch.printed import Printed
from rewardlab.launch.ray_cluster import RayWorker, connected
from rewardlab.launch.resources import HELP, Resources, resources_of
from rewardlab.launch.slurm import Slurm, installed
from rewardlab.launch.worker import Worker

LAUNCHERS = {
    "local": "workers on this machine",
    "slurm": "array jobs, for which nobody waits",
    "ray": "workers in a Ray cluster",
    "print": "commands, one a line, to be run elsewhere",
}


class Choice(Launcher):
    """What a command line chose."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.name, self.jobs, self.lanes = args.launcher, args.jobs, args.lanes
        self.resources, self.collects = resources_of(args.resources), args.collect
        self.workdir = Path(args.workdir)
        if self.lanes < 1:
            raise ValueError(f"--lanes={self.lanes} must be at least 1")
        if self.lanes > 1 and self.name not in ("local", "ray"):
            raise ValueError(
                f"--lanes={self.lanes}: with --launcher={self.name} each run is by "
                "itself; leave it out"
            )
        if self.resources != Resources() and self.name not in ("slurm", "ray"):
            raise ValueError(
                f"--resources={args.resources} is for --launcher=slurm or ray; leave "
                "it out"
            )
        if self.resources.others and self.name == "ray":
            raise ValueError(
                f"--resources={args.resources}: Ray knows cpus, gpus and memory"
            )
        begins = not (self.collects or args.dry_run)
        if self.name == "ray" and begins:
            connected()
        elif self.name == "slurm" and begins:
            installed()
        own = places(self.jobs)
        self.children = Children(
            (lambda i: RayWorker(self.resources))
            if self.name == "ray"
            else (lambda i: Worker(own[i]))
        )

    def __call__(self, runs: Sequence[Planned]) -> Iterator[Ended]:
        if self.name == "slurm":
            slurm = Slurm(self.workdir, self.jobs, self.resources)
            return slurm.collect(runs) if self.collects else slurm(runs)
        if self.collects:
            return iter(())
        if self.name == "print":
            return Printed()(runs)
        return Local(self.jobs, self.children, self.lanes)(runs)

    def refuse(self, runs: Sequence[Planned]) -> None:
        """`ValueError` for lanes in a grid where no two runs have the same program."""
        counts = Counter(run.program for run in runs)
        if self.lanes > 1 and max(counts.values(), default=0) < 2:
            raise ValueError(
                f"--lanes={self.lanes}: no two runs have the same program, so none can "
                "be done side by side; leave it out"
            )


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of `Choice`."""
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time, at most")
    who = "; ".join(f"{name}: {what}" for name, what in LAUNCHERS.items())
    parser.add_argument("--launcher", choices=LAUNCHERS, default="local", help=who)
    lanes = "so many runs of one program as one: for a device that one does not fill"
    parser.add_argument("--lanes", type=int, default=1, help=lanes)
    parser.add_argument("--resources", default="", help=HELP)
    look = "begin nothing; look what has become of runs that were submitted to slurm"
    parser.add_argument("--collect", action="store_true", help=look)
