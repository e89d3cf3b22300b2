"""What a grid is to run, read from its flags and checked before the first run."""

import contextlib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from rewardlab.launch import train
from rewardlab.launch.configs import load_config, override
from rewardlab.methods import METHODS
from rewardlab.methods.outside import words_at_hand
from rewardlab.runs.evaluate import reported
from rewardlab.runs.plots import COLOURS
from rewardlab.runs.prepare import prepare
from rewardlab.runs.record import resolved
from rewardlab.runs.validate import check_values

SAID = "config workdir config.seed config.reward config.model.init_from".split()
# A run may go on with another value of these groups, and of these names in any group.
_FREE = "train log checkpoint mesh data_dir history".split()
_FREE_NAMES = "init_from micro_batches".split()
USUAL = ("pass@1", "pass@8", "mean_length")


class Arm(NamedTuple):
    """A reward and the options that its runs alone have."""

    reward: str
    options: tuple[str, ...] = ()


class Grid(NamedTuple):
    """What is to be run: `options` are of every run."""

    config: str
    arms: dict[str, Arm]
    seeds: tuple[int, ...]
    workdir: Path
    measures: tuple[str, ...]  # (): the usual ones
    reach: float | None
    options: tuple[str, ...]

    def folder(self, arm: str, seed: int) -> Path:
        """The workdir of a run."""
        return self.workdir / f"{arm}-{seed}"

    def arguments(self, arm: str, seed: int) -> list[str]:
        """Of `rewardlab train`, for a run that does its own warm-up."""
        reward, options = self.arms[arm]
        run = [f"--config={self.config}", f"--workdir={self.folder(arm, seed)}"]
        run += [f"--config.reward={reward}", f"--config.seed={seed}"]
        return [*run, *self.options, *options]

    def config_of(self, arm: str, seed: int) -> ConfigDict:
        """The config of a run, as the run itself will read it."""
        args, rest = train.parser().parse_known_args(self.arguments(arm, seed))
        config = load_config(args.config)
        override(config, rest)
        return config


def arms_of(texts: Sequence[str]) -> dict[str, Arm]:
    """The arms by name; `ValueError` for what is none, and for two of one name."""
    arms: dict[str, Arm] = {}
    for text in texts:
        said, *options = re.split(r"\s+(?=--\w)", text.strip(), maxsplit=1)
        match = re.fullmatch(r"(\w[\w.+-]*)=(.+)", said, re.DOTALL)
        name, reward = match.groups() if match else (said, said)
        if not match and said not in METHODS:
            raise ValueError(
                f"arm {text!r} is no method; write NAME=SENTENCE, with a name of "
                "letters, digits and . + - _"
            )
        if name in arms:
            raise ValueError(f"two arms are named {name!r}; name one of them otherwise")
        arms[name] = Arm(reward.strip(), tuple(shlex.split(" ".join(options))))
    if len(arms) > len(COLOURS):
        raise ValueError(
            f"{len(arms)} arms in one picture cannot be told apart; make two grids of "
            f"at most {len(COLOURS)} in one --workdir, which share their runs"
        )
    return arms


def seeds_of(text: str) -> tuple[int, ...]:
    """`0,1,2` as numbers; `ValueError` for anything else, and for a seed twice."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() for word in words):
        raise ValueError(f"--seeds={text} must be whole numbers from 0, as in 0,1,2")
    seeds = tuple(map(int, words))
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"--seeds={text} has a seed twice; name each once")
    return seeds


def check(grid: Grid) -> Grid:
    """Raises `ValueError` for whatever would stop a run or the table at its end.

    A run is read and prepared as it will be, on this machine's CPU. The grid comes back
    with the measures that all arms have, where none were asked for.
    """
    for _, options in grid.arms.values():
        for flag in (*grid.options, *options):
            name = flag.lstrip("-").partition("=")[0]
            if name in SAID:
                raise ValueError(f"--{name} is said by the grid of each run; remove it")
    for arm in grid.arms:
        for seed in grid.seeds:
            config = grid.config_of(arm, seed)
            check_values(config)
            with words_at_hand(config.words):
                _refuse_another(grid.folder(arm, seed), config)
    known = _reported(grid)
    usual = [m for m in USUAL if all(m in names for names in known.values())]
    measures = grid.measures or tuple(usual)
    for arm, names in known.items():
        if grid.reach is not None and "pass@1" not in names:
            raise ValueError(
                f"--reach={grid.reach} is a share of held-out problems solved, and arm "
                f"{arm!r} has no signal 'correct' that says which are; leave it out"
            )
        for measure in measures:
            if measure not in names:
                raise ValueError(
                    f"no held-out number {measure!r} in arm {arm!r}; --measure can "
                    f"have {', '.join(names)}"
                )
    return grid._replace(measures=measures)


def _reported(grid: Grid) -> dict[str, list[str]]:
    """The held-out numbers of each arm; prepares a run of each on the way."""
    configs = {arm: grid.config_of(arm, grid.seeds[0]) for arm in grid.arms}
    devices = max(config.mesh.devices for config in configs.values())
    with contextlib.suppress(RuntimeError):  # too late once JAX has looked
        jax.config.update("jax_platforms", "cpu")  # a GPU's memory is for the runs
        jax.config.update("jax_num_cpu_devices", max(devices, 1))
    known = {}
    for arm, config in configs.items():
        config.mesh.devices = config.mesh.devices or 1
        with words_at_hand(config.words):
            known[arm] = reported(prepare(config, grid.folder(arm, grid.seeds[0])))
    return known


def _refuse_another(folder: Path, config: ConfigDict) -> None:
    """A folder may hold the same run, finished or not, and no other."""
    then, now = (
        flatten_dict(x, sep=".") for x in (_recorded(folder), resolved(config))
    )
    other = [k for k, x in now.items() if k in then and then[k] != x and not _free(k)]
    if other:
        what = f"{other[0]}={then[other[0]]!r}"
        raise ValueError(
            f"{folder} holds a run with {what}, and now it is {now[other[0]]!r}; name "
            "the arm otherwise, use another --workdir, or delete that folder"
        )


def _free(key: str) -> bool:
    """Whether a run may go on with another value without being another run."""
    parts = key.split(".")
    return parts[0] in _FREE or parts[-1] in _FREE_NAMES


def _recorded(folder: Path) -> dict:
    """The config of the run in a folder; nothing where there is none."""
    try:
        record = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def base_of(config: ConfigDict) -> Mapping:
    """What the policy after warm-up depends on."""
    whole = json.loads(config.to_json_best_effort())
    length = whole["rollout"]["max_completion_length"]
    keys = ("model", "task", "data", "warmup", "data_dir")
    return {key: whole[key] for key in keys} | {"length": length}


def began_from(folder: Path, usual: str) -> str:
    """Whose base policy a run is to start from: if it has begun, the same as then."""
    return str(_recorded(folder).get("model", {}).get("init_from", usual))
