"""What a grid is to run: a run for every arm, value of its axes, and seed."""

import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from rewardlab.launch import train
from rewardlab.launch.arms import Arm
from rewardlab.launch.configs import load_config, override
from rewardlab.methods.outside import words_at_hand
from rewardlab.models.shapes import has_weights
from rewardlab.runs.alike import program_of
from rewardlab.runs.base import newest
from rewardlab.runs.record import digits, id_of, may_change, resolved
from rewardlab.runs.validate import check_values
from rewardlab.system.files import read_json

LONGEST = 120  # characters of a folder's name


class Planned(NamedTuple):
    """One run: its place in the grid, and how it is begun."""

    id: str  # of its config: two runs of one id are the same run
    arm: str
    axes: Mapping[str, str]
    seed: int
    folder: Path
    arguments: tuple[str, ...]  # of `rewardlab train`, without a base to begin from
    base: str  # two runs of one base can begin from the same policy; "" for none
    steps: int  # `train.max_steps`
    program: str  # two runs of one program share what is compiled
    record: Mapping[str, Any] = {}  # its config, as `config.json` will have it

    @property
    def name(self) -> str:
        """As people read it: `pure, hp.tau=0.2, seed 0`."""
        axes = [f"{key}={value}" for key, value in self.axes.items()]
        return ", ".join([self.arm, *axes, f"seed {self.seed}"])


class Grid(NamedTuple):
    """What is to be run: `options` are of every run."""

    config: str
    arms: dict[str, Arm]
    seeds: tuple[int, ...]
    workdir: Path
    axes: dict[str, tuple[str, ...]] = {}
    measures: tuple[str, ...] = ()  # (): the usual ones
    reach: float | None = None
    options: tuple[str, ...] = ()
    question: str = ""
    command: tuple[str, ...] = ()  # what was said after `rewardlab grid`

    def arguments(self, arm: str, axes: Mapping[str, str], seed: int) -> list[str]:
        """Of `rewardlab train`, for a run that does its own warm-up."""
        reward, options = self.arms[arm]
        run = [f"--config={self.config}", f"--workdir={self.folder(arm, axes, seed)}"]
        run += [f"--config.reward={reward}", f"--config.seed={seed}"]
        values = [f"--config.{key}={value}" for key, value in axes.items()]
        return [*run, *self.options, *options, *values]

    def folder(self, arm: str, axes: Mapping[str, str], seed: int) -> Path:
        """The workdir of a run: `grpo-0`, `pure,hp.tau=0.2-0`."""
        said = "".join(f",{key}={value}" for key, value in axes.items())
        name = re.sub(r"[^\w.+,=-]", "_", f"{arm}{said}")
        if len(name) > LONGEST or name != f"{arm}{said}":
            mark = hashlib.sha256(said.encode()).hexdigest()[:6]
            name = f"{name[:LONGEST]}~{mark}"
        return self.workdir / f"{name}-{seed}"

    def config_of(
        self, arm: str, seed: int, axes: Mapping[str, str] | None = None
    ) -> ConfigDict:
        """The config of a run, as the run itself will read it."""
        said = self.arguments(arm, axes or {}, seed)
        args, rest = train.parser().parse_known_args(said)
        config = load_config(args.config)
        override(config, rest)
        return config

    def cells(self) -> list[tuple[str, dict[str, str]]]:
        """Each arm with each combination of the axes that it has.

        An axis of a hyperparameter is one of the arms whose sentence has it; of others
        there is one cell. `ValueError` for an axis that no arm has.
        """
        found, used = [], set[str]()
        for arm in self.arms:
            own = {k: x for k, x in self.axes.items() if self._has(arm, k)}
            used |= own.keys()
            every = itertools.product(*own.values())
            found += [(arm, dict(zip(own, values, strict=True))) for values in every]
        for key in self.axes.keys() - used:
            raise ValueError(f"--axis {key}: no arm has that hyperparameter")
        return found

    def _has(self, arm: str, key: str) -> bool:
        group, _, name = key.partition(".")
        return group != "hp" or name in self.config_of(arm, self.seeds[0]).hp


def planned(grid: Grid) -> list[Planned]:
    """Every run, seed by seed, in the order in which they begin; the config of each is
    read here, once. `ValueError` for a value that none can have."""
    found = []
    for seed, (arm, axes) in itertools.product(grid.seeds, grid.cells()):
        config = grid.config_of(arm, seed, axes)
        check_values(config)
        with words_at_hand(config.words):
            record, program = resolved(config), digits(program_of(config))
        folder, said = grid.folder(arm, axes, seed), grid.arguments(arm, axes, seed)
        base, steps = base_of(config), config.train.max_steps
        place = (id_of(record), arm, axes, seed, folder)
        found.append(Planned(*place, tuple(said), base, steps, program, record))
    return found


def changed(folder: Path, record: Mapping[str, Any]) -> str:
    """What the run in a folder has otherwise, as `reward='rloo', now 'grpo'`; or ""."""
    then, now = _flat(read_json(folder / "config.json")), _flat(record)
    for key, value in now.items():
        if key in then and then[key] != value and not may_change(key):
            return f"{key}={then[key]!r}, now {value!r}"
    return ""


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    return flatten_dict(dict(record), sep=".")


def base_of(config: ConfigDict) -> str:
    """What the policy after warm-up depends on, in few letters; "" where weights are
    read or another run is named."""
    if has_weights(config.model.name) or config.model.init_from:
        return ""
    whole = json.loads(config.to_json_best_effort())
    keys = ("model", "task", "data", "warmup", "data_dir", "seed")
    said = {key: whole[key] for key in keys}
    said["length"] = whole["rollout"]["max_completion_length"]
    return digits(json.dumps(said, sort_keys=True))


def begins_from(run: Planned, bases: Iterable[tuple[str, Path]]) -> Path | None:
    """The workdir whose base policy a run takes: the same as when it began, if it did
    and that is still there, else the first of these folders of runs of the same base
    that has one by now."""
    record = read_json(run.folder / "config.json")
    if record:
        said = record.get("model", {}).get("init_from")
        if not said:
            return None
        if _has_base(run.folder) or _has_base(Path(said)):
            return Path(said)
    of = (folder for base, folder in bases if run.base and base == run.base)
    return next((folder for folder in of if _has_base(folder)), None)


def _has_base(folder: Path) -> bool:
    return (folder / "base").is_dir() and newest(folder / "base") is not None
