"""What a run says of itself: `config.json`, and what lies in its checkpoints.

`config.json` is what ran, with the method's own numbers, and what was changed when. The
keys are those of the config, each with the value that took effect: a method's loss,
selection, updates and hyperparameters stand where the config said nothing. Beside them
are `sentence`, the reward in words, and `history`: an entry for each start from a
checkpoint, with its step, where it lies and what was changed.

`run.json` has the `devices` that it ran on, their kind and number, the version of JAX,
the commit of this project, the `seconds` on them up to the last checkpoint and the
`core_seconds` that they cost: an entry for each start on others than before. Beside
them is what `runs.facts` tells of `model`, `data` and `measures`, and what was `spent`
(`runs.evaluations`). A grid adds how the run stands.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from rewardlab.learning.learner import LearnerState
from rewardlab.objectives import spelled
from rewardlab.runs import checkpoint
from rewardlab.runs.builders import loss_of, method_in
from rewardlab.system.commit import commit
from rewardlab.system.files import read_json, short, write_whole
from rewardlab.system.processes import agreed

Record = dict[str, Any]
RUN = "run.json"
SECONDS = ("seconds", "core_seconds")  # of an entry of `devices`
SAVED = "last_checkpoint.txt"  # its step: there was one, whatever became of it
# A run may go on with another value of these groups, and of these names in any group.
_FREE = "train log checkpoint mesh data_dir history".split()
_FREE_NAMES = "init_from micro_batches".split()


def resolved(config: ConfigDict) -> Record:
    """The config as JSON has it, with all that it leaves to its method."""
    record = json.loads(config.to_json_best_effort())
    method = method_in(config)
    record["sentence"] = method.reward
    record["loss"] = spelled(loss_of(config))
    record["select"], record["updates"] = method.said("select"), method.said("updates")
    if record["eval"]["temperature"] is None:
        record["eval"]["temperature"] = record["rollout"]["temperature"]
    own = {name: x for name, x in method.hp.items() if name in method.names}
    record["hp"] = json.loads(json.dumps(own, default=str))
    return record


def config_of(record: Record) -> ConfigDict:
    """The config that a record was made of; what JSON made lists of are tuples."""
    return ConfigDict(_with_tuples(record))


def _with_tuples(record: Any) -> Any:
    if isinstance(record, dict):
        return {name: _with_tuples(x) for name, x in record.items()}
    return tuple(map(_with_tuples, record)) if isinstance(record, list) else record


def id_of(record: Mapping[str, Any]) -> str:
    """Twelve digits of the SHA-256 of a config, without what a run may change."""
    flat = flatten_dict(dict(record), sep=".")
    kept = {key: x for key, x in flat.items() if not may_change(key)}
    return digits(json.dumps(kept, sort_keys=True, default=str))


def digits(text: str) -> str:
    """Twelve digits of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def may_change(key: str) -> bool:
    """Whether a run may go on with another value without being another run."""
    parts = key.split(".")
    return parts[0] in _FREE or parts[-1] in _FREE_NAMES


def save_state(
    workdir: Path,
    config: ConfigDict,
    state: LearnerState,
    rows: list[dict[str, Any]],
) -> Path:
    """A checkpoint of this step, with the metrics written since the one before it."""
    scorers = sorted(state.scorers)
    extra = {"config": resolved(config), "rows": rows, "scorers": scorers}
    path = checkpoint.save(
        workdir, int(state.step), state, extra, config.checkpoint.keep
    )
    agreed(lambda: write_whole(workdir / SAVED, f"{path.name}\n"))
    return path


def changes(now: Mapping[str, Any], found: Path) -> dict[str, list[Any]]:
    """The keys whose values differ from those of a checkpoint: [then, now].

    Resuming with changed settings is allowed, but reported.
    """
    return changed_keys(checkpoint.read_extra(found).get("config"), now)


def write_config(workdir: Path, now: Record, found: Path | None) -> None:
    """Leaves `config.json`, with the history of the run that goes on from `found`."""
    file = workdir / "config.json"
    history: list[Any] = []
    if found is not None:
        before = read_json(found.parents[1] / "config.json")
        kept = before.pop("history", None)
        history = kept if isinstance(kept, list) else []
        changed = changed_keys(before, now) if before else changes(now, found)
        start = {"step": int(found.name) if found.name.isdecimal() else None}
        history.append({**start, "from": short(found), "changed": changed})
    workdir.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps({**now, "history": history}, indent=2) + "\n")


def write_devices(workdir: Path, count: int) -> None:
    """Leaves in `run.json` what the run computes on, beside what stands there."""
    kind = jax.devices()[0].device_kind
    now = {"kind": kind, "count": count, "jax": jax.__version__, "commit": commit()}
    before = _devices(workdir)
    last = {k: x for k, x in (before or [{}])[-1].items() if k not in SECONDS}
    if last != now:
        write_facts(workdir, {"devices": [*before, now]})


def add_spent(
    workdir: Path, seconds: Mapping[str, float], counts: Mapping[str, int]
) -> None:
    """Adds to the time that the run has been on its devices, with warm-up, compiling
    and evaluations, and to what it has `spent` on them.

    `seconds` are those of `SECONDS`: of the clock on the wall, and of all cores.
    """
    *before, last = _devices(workdir) or [{}]
    now = {**last, **{k: round(last.get(k, 0) + x, 3) for k, x in seconds.items()}}
    spent = read_json(workdir / RUN).get("spent")
    known = spent if isinstance(spent, dict) else {}
    total = {name: known.get(name, 0) + x for name, x in counts.items()}
    write_facts(workdir, {"devices": [*before, now], "spent": {**known, **total}})


def write_facts(workdir: Path, facts: Mapping[str, Any]) -> None:
    """Leaves facts in `run.json`, beside what stands there."""
    said = read_json(workdir / RUN)
    if {**said, **facts} != said:
        write_whole(workdir / RUN, json.dumps({**said, **facts}) + "\n")


def _devices(workdir: Path) -> list[dict[str, Any]]:
    said = read_json(workdir / RUN).get("devices")
    return [x for x in said if isinstance(x, dict)] if isinstance(said, list) else []


def changed_keys(then: Any, now: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The keys whose values differ between two records: [then, now]."""
    old = flatten_dict(then, sep=".") if isinstance(then, dict) else {}
    new = flatten_dict(dict(now), sep=".")
    every = {**new, **old}
    return {k: [old.get(k), new.get(k)] for k in every if old.get(k) != new.get(k)}
