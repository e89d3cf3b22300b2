"""What a run is given where something else than this machine shares machines out."""

from collections.abc import Mapping
from typing import NamedTuple

HELP = (
    "of each run with slurm or ray: cpus=2,gpus=1,minutes=240,memory=16 (GB); with "
    "slurm also what sbatch knows, as partition=gpu,account=lab"
)


class Resources(NamedTuple):
    """Of each run; `others` are for the scheduler, by its own names."""

    cpus: int = 1
    gpus: int = 0
    minutes: int = 60
    memory: int = 0  # GB; 0: what the scheduler gives untold
    others: Mapping[str, str] = {}


def resources_of(text: str) -> Resources:
    """`cpus=2,gpus=1,partition=gpu` as `Resources`; `ValueError` for what is none."""
    numbers: dict[str, int] = {}
    others: dict[str, str] = {}
    for pair in filter(None, text.split(",")):
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not name.replace("_", "").isalnum() or not value:
            raise ValueError(
                f"--resources={text} is not understood; write cpus=2,gpus=1"
            )
        if name in others or name in numbers:
            raise ValueError(f"--resources={text} names {name!r} twice")
        if name not in Resources._fields[:-1]:
            others[name] = value
        elif not value.isdecimal():
            raise ValueError(f"--resources={text}: {name} must be a whole number")
        else:
            numbers[name] = int(value)
    if not numbers.get("cpus", 1) or not numbers.get("minutes", 1):
        raise ValueError(f"--resources={text}: cpus and minutes must be at least 1")
    return Resources(**numbers, others=others)  # type: ignore[arg-type]
