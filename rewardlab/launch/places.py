"""Where on this machine each of several workers runs: its cores and its devices."""

import os
from pathlib import Path

from rewardlab.launch.worker import Place

MEMORY = "XLA_PYTHON_CLIENT_MEM_FRACTION"
DEVICES = "CUDA_VISIBLE_DEVICES"


def places(jobs: int) -> list[Place]:
    """A place for each of so many workers.

    Cores are shared out, as are GPUs; where workers must share a GPU each has its part
    of the memory, of which JAX would take three quarters. What the environment says
    already stays.
    """
    cores = _cores() if jobs > 1 else []
    each = len(cores) // jobs  # as many for each: another number sums in another order
    return [
        Place(tuple(cores[i * each : (i + 1) * each]), _environment(i, jobs))
        for i in range(jobs)
    ]


def _cores() -> list[int]:
    known = hasattr(os, "sched_getaffinity")  # on Linux alone
    return sorted(os.sched_getaffinity(0)) if known else []


def _environment(i: int, jobs: int) -> dict[str, str]:
    gpus = _gpus()
    if jobs == 1 or not gpus:
        return {}
    sharing = len(range(i % len(gpus), jobs, len(gpus)))
    own = {DEVICES: gpus[i % len(gpus)]}
    if sharing > 1 and MEMORY not in os.environ:
        own[MEMORY] = f"{0.9 / sharing:.2f}"
    return own


def _gpus() -> list[str]:
    """The names of NVIDIA's devices that this process may use."""
    said = os.environ.get(DEVICES)
    if said is not None:
        return [name.strip() for name in said.split(",") if name.strip()]
    names = (path.name[len("nvidia") :] for path in Path("/dev").glob("nvidia[0-9]*"))
    return sorted((name for name in names if name.isdecimal()), key=int)
