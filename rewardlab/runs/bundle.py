"""A step's rollout kept whole: another sentence can be tried on it without a model.

    bundle/bundle_00010.npz    arrays, compressed, and `head`, a text in JSON

The head has the schema, the step, the config with its id, the commit and the texts. All
of it is a function of the run: a killed run leaves, when it is resumed, the same bytes.
"""

import dataclasses
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Int

from rewardlab.core.shapes import check_rollout
from rewardlab.core.types import Channels, Reward, Rollout
from rewardlab.runs.completions import Texts, Worth
from rewardlab.runs.record import Record, id_of
from rewardlab.runs.rows import ROLLOUTS
from rewardlab.system.files import numbered, short, write_whole

SCHEMA = 1
FOLDER = "bundle"
_FIELDS = [x.name for x in dataclasses.fields(Rollout) if x.name != "signals"]
_TORN = (ValueError, LookupError, TypeError, EOFError, AttributeError, RuntimeError)
_BROKEN = (*_TORN, zipfile.BadZipFile, zlib.error, OverflowError, MemoryError)

Arrays = dict[str, np.ndarray]


class Bundle(NamedTuple):
    """A rollout of the host with every signal, and what it was worth to the learner."""

    step: int
    rollout: Rollout
    problem: Int[np.ndarray, " B"]  # the ids of its problems
    worth: Worth
    state: Arrays  # the sentence's before it, by the names of its leaves
    texts: Texts
    config: Record
    commit: str | None

    @property
    def words(self) -> tuple[str, ...]:
        """Those of the run's sentence."""
        return tuple(word for word, _ in self.worth.stages)

    @property
    def id(self) -> str:
        """Of its config: of a run that goes on, the same in every step."""
        return id_of(self.config)


def write_bundle(workdir: Path, bundle: Bundle) -> Path:
    """Writes the file of the bundle's step, whole or not at all, and gives its path."""
    number = f"{bundle.step:05d}"
    file = workdir / FOLDER / ROLLOUTS[FOLDER].replace("*", number)
    file.parent.mkdir(exist_ok=True)
    head = {
        "schema": SCHEMA,
        "step": bundle.step,
        "id": bundle.id,
        "commit": bundle.commit,
        "config": bundle.config,
        "words": bundle.words,
        "texts": bundle.texts._asdict(),
    }
    said = json.dumps(head).encode()
    content = io.BytesIO()
    arrays = {"head": np.frombuffer(said, np.uint8), **_arrays(bundle)}
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    write_whole(file, content.getvalue())
    return file


def _arrays(bundle: Bundle) -> Arrays:
    """All of its arrays by name."""
    rollout, worth = bundle.rollout, bundle.worth
    found = {name: getattr(rollout, name) for name in _FIELDS}
    found |= {f"signals/{name}": x for name, x in rollout.signals.items()}
    found |= {"problem": bundle.problem, "kept": worth.kept}
    found |= {"advantage": worth.advantage, "reward": worth.reward}
    for number, (_, channels) in enumerate(worth.stages):
        for name, reward in channels.items():
            found[f"value/{number}/{name}"] = reward.value
            found[f"placed/{number}/{name}"] = reward.placed
    found |= {f"state/{name}": x for name, x in bundle.state.items()}
    return {name: _plain(x) for name, x in found.items()}


def _plain(x: Any) -> np.ndarray:
    """As NumPy's own types, which have no bfloat16."""
    x = np.asarray(x)
    return x.astype(np.float32) if x.dtype.kind == "V" else x


def named_leaves(state: Any) -> dict[str, Any]:
    """The arrays of a state by where they are, as `1.mean`."""
    leaves = jax.tree_util.tree_leaves_with_path(state)
    return {jax.tree_util.keystr(p, simple=True, separator="."): x for p, x in leaves}


def bundles(workdir: Path) -> dict[int, Path]:
    """The bundles of a run by training step; `ValueError` where there is none."""
    if found := numbered(workdir / FOLDER, ROLLOUTS[FOLDER]):
        return found
    raise ValueError(
        f"{short(workdir)} kept no rollouts; train with --config.log.bundle_every=10 "
        "to keep those of every tenth step"
    )


def read_bundle(file: Path) -> Bundle:
    """A bundle as it was written.

    `ValueError`, in one sentence, for a file that is damaged, of another schema, or no
    bundle.
    """
    where = short(file)
    try:
        with np.load(file) as held:
            arrays = {name: held[name] for name in held.files}
        head = json.loads(arrays.pop("head").tobytes())
        schema = head["schema"]
    except (*_BROKEN, NotImplementedError, RecursionError):
        raise ValueError(f"{where} {_DAMAGED}") from None
    if schema != SCHEMA:
        raise ValueError(
            f"{where} is of schema {schema} and this version reads {SCHEMA}; rescore "
            "it with the rewardlab that wrote it, or train anew"
        )
    try:
        return _bundle(head, arrays)
    except _BROKEN:
        raise ValueError(f"{where} {_DAMAGED}") from None


_DAMAGED = (
    "is damaged, or no bundle of a run; delete it to rescore the others, or go on with "
    "a run from a checkpoint before it"
)


def _bundle(head: Mapping[str, Any], arrays: Arrays) -> Bundle:
    fields: Any = {name: arrays[name] for name in _FIELDS}
    rollout = Rollout(**fields, signals=_under(arrays, "signals"))  # type: ignore[arg-type]
    check_rollout(rollout)
    stages = [
        (word, _channels(arrays, number)) for number, word in enumerate(head["words"])
    ]
    whole = (arrays[name] for name in ("advantage", "reward", "kept"))
    advantage, reward, kept = whole
    worth = Worth(advantage, reward, kept, stages)
    texts = Texts(**head["texts"])
    if worth.advantage.shape != rollout.mask.shape or len(texts.pieces) != len(
        rollout.mask
    ):
        raise ValueError("rows that are not there")
    return Bundle(
        head["step"],
        rollout,
        arrays["problem"],
        worth,
        _under(arrays, "state"),
        texts,
        dict(head["config"]),
        head["commit"],
    )


def _under(arrays: Arrays, folder: str) -> Arrays:
    """The arrays of a folder, by their names in it."""
    start = f"{folder}/"
    return {k.removeprefix(start): x for k, x in arrays.items() if k.startswith(start)}


def _channels(arrays: Arrays, number: int) -> Channels:
    placed = _under(arrays, f"placed/{number}")
    values = _under(arrays, f"value/{number}")
    return {name: Reward(x, placed[name]) for name, x in values.items()}  # type: ignore[arg-type]
