"""The runs of a grid as commands, one a line, which other machines can run."""

import shlex
from collections.abc import Iterator, Sequence

from rewardlab.launch.launchers import Ended
from rewardlab.launch.plan import Planned


class Printed:
    """Begins nothing and prints a command for each run.

    Each run does its own warm-up, so they can be run in any order and anywhere; equal
    ones come to the same base policy. The grid's own command then finds what is done.
    """

    def __call__(self, runs: Sequence[Planned]) -> Iterator[Ended]:
        for run in runs:
            print(shlex.join(["rewardlab", "train", *run.arguments]))
        return iter(())
