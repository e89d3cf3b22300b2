"""Several processes that train together, found by JAX itself or told by flags."""

import argparse
import contextlib
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax

HEARTBEAT = 60  # seconds after which a process that is not heard of counts as dead
# Variables by which JAX knows a cluster; those that count processes must say several.
COUNTS = ("SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE")
PLACES = ("JAX_COORDINATOR_ADDRESS", "MEGASCALE_COORDINATOR_ADDRESS")
TPU_DEVICES = ("/dev/accel0", "/dev/vfio/0")  # of a Cloud TPU's machine
FLAGS = ("coordinator", "num_processes", "process_id")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of a process among several."""
    many = parser.add_argument_group(
        "several processes", "needed only where JAX cannot find out by itself"
    )
    many.add_argument("--coordinator", help="host:port of process 0")
    many.add_argument("--num_processes", type=int, help="how many there are")
    many.add_argument("--process_id", type=int, help="which one this is, from 0")


def in_a_cluster() -> bool:
    """Whether the environment says that this process is one of several."""
    counts = (os.environ.get(name, "") for name in COUNTS)
    hosts = os.environ.get("TPU_WORKER_HOSTNAMES", "")
    return (
        any(count.isdecimal() and int(count) > 1 for count in counts)
        or any(name in os.environ for name in PLACES)
        or "," in hosts
        or any(Path(device).exists() for device in TPU_DEVICES)
    )


@contextlib.contextmanager
def together(args: argparse.Namespace) -> Iterator[None]:
    """Inside, this process is one of those that the flags or the environment name.

    `ValueError` for flags that do not go together and for others that are not there. An
    error ends the process without waiting for the others.
    """
    said = {name: getattr(args, name) for name in FLAGS}
    given = [name for name, value in said.items() if value is not None]
    if given and len(given) < len(FLAGS):
        lacking = ", ".join(f"--{name}" for name in FLAGS if name not in given)
        raise ValueError(f"--{given[0]} needs {lacking} too; pass all three, or none")
    if not given and not in_a_cluster():
        yield
        return
    _join(said)
    try:
        yield
    except (ValueError, FloatingPointError) as error:
        _leave(f"error: {error}")
    except SystemExit as end:
        if not getattr(end, "together", False):
            _leave(end.code)
        raise
    except BaseException:
        traceback.print_exc()
        _leave(1)


def _join(said: dict[str, Any]) -> None:
    coordinator, number, own = said.values()
    if "JAX_CPU_COLLECTIVES_IMPLEMENTATION" not in os.environ:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
    # It would take SIGTERM for itself, and a run asks its processes at every step.
    jax.config.update("jax_enable_preemption_service", False)
    try:
        jax.distributed.initialize(
            coordinator, number, own, heartbeat_timeout_seconds=HEARTBEAT
        )
    except (RuntimeError, ValueError, TypeError) as error:
        where = coordinator or "the cluster's processes"
        reason = " ".join(str(error).split())[:200]
        raise ValueError(
            f"{where} could not be joined ({reason}); start all processes at about the "
            "same time, or pass --coordinator, --num_processes and --process_id"
        ) from error


def _leave(code: object) -> None:
    """Ends at once: a clean end would wait minutes for processes that are stuck."""
    if isinstance(code, str):
        print(code, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1 if code else 0)
