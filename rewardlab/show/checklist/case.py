"""A run with the runs beside it, as the checklist reads them."""

import functools
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from flax.traverse_util import flatten_dict

from rewardlab.core.sentence import fill, parse
from rewardlab.methods import METHODS
from rewardlab.methods.sentence import TRANSFORM
from rewardlab.methods.taxonomy import granularity
from rewardlab.results.reading import GRID, Results, RunResult, read_results
from rewardlab.runs.record import RUN
from rewardlab.system.files import read_json

# Of what the base policy is made, besides its weights' name and where it lies.
_OF_BASE = ("model", "task", "warmup")
_NOT_OF_BASE = ("model.name", "model.init_from")
_granularity = functools.cache(granularity)  # it builds the sentence


class Case(NamedTuple):
    """A run, the runs that it may be compared with, and what `run.json` has of each."""

    run: RunResult
    others: tuple[RunResult, ...]
    records: Mapping[Path, Mapping[str, Any]]  # `run.json` by folder, of all of them

    @property
    def own(self) -> Mapping[str, Any]:
        """What `run.json` has of it."""
        return self.records[self.run.folder]

    @property
    def flat(self) -> dict[str, Any]:
        """The config by dotted keys."""
        return flat(self.run.config)

    def told(self, *path: str) -> Any:
        """A value of `run.json`; None where it has none."""
        return told(self.own, *path)

    def same_base(self, other: RunResult) -> bool:
        """Whether both began with the same policy: by their weights where both tell
        them, else by what these are made of."""
        both = (self.own, self.records[other.folder])
        a, b = (told(own, "model", "weights") for own in both)
        if a and b:
            return bool(a == b)
        return _recipe(self.run) == _recipe(other)


def cases_of(results: Results, against: Iterable[RunResult]) -> list[Case]:
    """Each run with all others of its grid, and those named besides."""
    every = [*results.runs, *against]
    records = {run.folder: read_json(run.folder / RUN) for run in every}
    return [
        Case(run, tuple(x for x in every if x is not run), records)
        for run in results.runs
    ]


def read(run: Path) -> tuple[Results, list[RunResult]]:
    """The runs of a grid or the one run of a workdir, and what lies beside it in its
    own grid."""
    results = read_results(run)
    if results.grid or not (run.resolve().parent / GRID).exists():
        return results, []
    beside = read_results(run.resolve().parent)
    same = [x for x in beside.runs if x.folder.resolve() == run.resolve()]
    others = [x for x in beside.runs if x not in same]
    return (results._replace(runs=tuple(same)), others) if same else (results, [])


def told(own: Mapping[str, Any], *path: str) -> Any:
    """A value in nested records; None where there is none."""
    value: Any = own
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config by dotted keys."""
    return flatten_dict(dict(config), sep=".")


def sentence_of(config: Mapping[str, Any], key: str = "sentence") -> str:
    """The reward's sentence with its numbers, from `sentence`, or from `reward`, which
    may name a method; "" where it has none."""
    said = str(config.get(key) or "")
    text = METHODS[said].reward if said in METHODS else said
    hp = {**(METHODS[said].hp if said in METHODS else {}), **config.get("hp", {})}
    hp = {k: tuple(x) if isinstance(x, list) else x for k, x in hp.items()}
    return _filled(text, tuple(sorted(hp.items())))


@functools.cache  # the runs of a grid are few arms
def _filled(text: str, hp: tuple[tuple[str, Any], ...]) -> str:
    try:
        return str(fill(parse(text, TRANSFORM), dict(hp))) if text else ""
    except ValueError:  # words that are not at hand here
        return ""


def unit_of(config: Mapping[str, Any], key: str = "sentence") -> str:
    """What the run pays apart: the survey's granularity; "" where nothing tells."""
    text = sentence_of(config, key)
    return _granularity(text, str(config.get("loss") or "")) if text else ""


def _recipe(run: RunResult) -> str:
    own = {k: x for k, x in flat(run.config).items() if k.split(".")[0] in _OF_BASE}
    own = {k: x for k, x in own.items() if k not in _NOT_OF_BASE}
    return json.dumps([run.seed, own], sort_keys=True)


def numbers(run: RunResult, name: str) -> list[float]:
    """A metric of every step that has it."""
    rows = (row.get(name) for row in run.rows)
    return [float(x) for x in rows if isinstance(x, int | float) and math.isfinite(x)]


def mean(values: list[float]) -> float:
    """Of the steps; NaN of none."""
    return float(np.mean(values)) if values else math.nan
