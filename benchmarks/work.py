"""The work that every system does, and how its steps are recorded.

Plain Python, so that systems with different environments share it.
"""

import argparse
import dataclasses
import json
import resource
import statistics
import sys
import time
from typing import Any, NamedTuple

WARM_STEPS = 2  # the first two compile and fill caches; their time is not a step's


class Work(NamedTuple):
    """What one step does: so many samples of each prompt, all of the same lengths."""

    prompts: int
    samples: int
    prompt_tokens: int
    new_tokens: int


WORK = {
    "S": Work(16, 8, 16, 32),
    "M": Work(16, 8, 16, 32),
    "smollm2": Work(8, 8, 97, 16),  # the weights of a folder
}


def parser(description: str | None) -> argparse.ArgumentParser:
    """The arguments that all systems take."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("shape", choices=list(WORK))
    made.add_argument("--folder", help="of the weights, for smollm2")
    made.add_argument("--steps", type=int, default=30)
    made.add_argument(
        "--paced", action="store_true", help="wait for a line of input before each step"
    )
    return made


@dataclasses.dataclass
class Record:
    """Seconds of rollout and update of each step after the warm ones."""

    began: float  # perf_counter before the imports: they belong to the first step
    paced: bool
    first: float = 0.0
    seen: int = 0
    times: list[tuple[float, float]] = dataclasses.field(default_factory=list)

    def wait(self) -> None:
        """Lets another system have the machine until it is this one's turn."""
        if self.paced and self.seen >= WARM_STEPS:
            sys.stdin.readline()

    def add(self, rollout: float, update: float) -> None:
        """Notes a step, and says it when paced."""
        self.seen += 1
        if self.seen == 1:
            self.first = time.perf_counter() - self.began
        if self.seen <= WARM_STEPS:
            return
        self.times.append((rollout, update))
        if self.paced:
            print(rollout + update, flush=True)

    def report(self, system: str, shape: str, **more: Any) -> None:
        """Prints one line of JSON; times are medians in seconds."""
        work = WORK[shape]
        rollout, update = (statistics.median(t) for t in zip(*self.times, strict=True))
        whole = statistics.median(map(sum, self.times))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found = {
            "system": system,
            "shape": shape,
            "seconds_per_step": whole,
            "rollout_seconds": rollout,
            "update_seconds": update,
            "first_step_seconds": self.first,
            "peak_rss_mb": peak,
            "tokens_per_second": work.prompts * work.samples * work.new_tokens / whole,
            **more,
        }
        short = {k: _short(v) for k, v in found.items()}
        print(json.dumps(short), flush=True)


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value
