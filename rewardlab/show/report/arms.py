"""What the arms are: their sentences, and in what their configs differ."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from flax.traverse_util import flatten_dict

from rewardlab.results.reading import RunResult
from rewardlab.system.printable import one_line

SENTENCES = ("scorers", "select", "sentence", "loss", "updates")
# What a grid says of each run, and where a run lies: no difference between arms.
OF_RUNS = ("seed", "history", "data_dir", "model.init_from")
ABSENT = "—"


class ArmConfig(NamedTuple):
    """What an arm trains with, and its config as JSON; "" if no run has begun."""

    arm: str
    name: str  # of the method, where it is one
    sentences: dict[str, str]
    json: str


class Differences(NamedTuple):
    """The keys whose values are not the same in all arms, sentences apart."""

    arms: list[str]
    rows: dict[str, list[str]]  # by key, a value for each arm
    unknown: list[str]  # arms without a config


def configs_of(cells: Mapping[str, Sequence[RunResult]]) -> list[ArmConfig]:
    """The configs of the arms, each that of its first run that has one."""
    return [_of_arm(arm, runs) for arm, runs in cells.items()]


def _of_arm(arm: str, runs: Sequence[RunResult]) -> ArmConfig:
    config = next((run.config for run in runs if run.config), {})
    said = {key: _text(config.get(key)) for key in SENTENCES}
    said["reward"] = said.pop("sentence")
    sentences = {key: text for key, text in said.items() if text not in ("", ABSENT)}
    name = str(config.get("reward", ""))
    text = json.dumps(config, indent=2) if config else ""
    return ArmConfig(
        arm, "" if name == config.get("sentence") else name, sentences, text
    )


def differences(cells: Mapping[str, Sequence[RunResult]]) -> Differences:
    """What tells the arms apart, key by key; seeds and places of runs do not."""
    flat = {
        arm: [_flat(run.config) for run in runs if run.config]
        for arm, runs in cells.items()
    }
    known = {arm: configs for arm, configs in flat.items() if configs}
    keys = dict.fromkeys(
        key for configs in known.values() for x in configs for key in x
    )
    rows = {}
    for key in keys:
        values = [_values(x.get(key) for x in configs) for configs in known.values()]
        if len({*values}) > 1 or any(len(value) > 1 for value in values):
            rows[key] = [" or ".join(value) for value in values]
    return Differences([*known], rows, [arm for arm in cells if arm not in known])


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    said = (*OF_RUNS, *SENTENCES, "reward")
    flat = flatten_dict({k: x for k, x in config.items() if k not in said}, sep=".")
    return {k: x for k, x in flat.items() if k not in said}


def _values(values: Iterable[Any]) -> tuple[str, ...]:
    """The value that all runs of an arm have, or those that some have."""
    return tuple(dict.fromkeys(map(_text, values)))


def _text(value: Any) -> str:
    if value is None:
        return ABSENT
    return one_line(value) if isinstance(value, str) else json.dumps(value)
