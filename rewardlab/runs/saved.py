"""The policy of a run, read from its newest checkpoint; the run may still be going."""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import jax
from ml_collections import ConfigDict

from rewardlab.models import lm, lora
from rewardlab.models.shapes import has_weights, weights_of
from rewardlab.runs import checkpoint
from rewardlab.runs.model import model_of
from rewardlab.runs.record import config_of
from rewardlab.system.files import short
from rewardlab.tasks import task_of, tokenizer_of
from rewardlab.tasks.files import DATA
from rewardlab.text.tokenizers import Tokenizer


class Saved(NamedTuple):
    """A run with a checkpoint."""

    found: Path
    config: ConfigDict
    model: lm.LMConfig  # with its adapters
    tokenizer: Tokenizer


def saved_run(run: str | Path) -> Saved:
    """The run of a workdir; `ValueError` where it has no checkpoint."""
    workdir = Path(run).expanduser()
    if not (found := checkpoint.find(workdir, "auto")):
        raise ValueError(
            f"{short(workdir)} has no checkpoint to export; name the --workdir of a "
            "run that has saved one"
        )
    config = config_of(checkpoint.read_extra(found)["config"])
    # Weights bring their vocabulary; a shape of its own has that of its task.
    task = DATA if has_weights(config.model.name) else task_of(config)
    tokenizer = tokenizer_of(config) or task.tokenizer
    return Saved(found, config, model_of(config, task), tokenizer)


def policy_of_saved(run: Saved) -> lm.Params:
    """The weights that its checkpoint stands for, in host memory."""
    found, config, model = run.found, run.config, run.model
    if model.lora is None:
        return _restored(found, lambda key: lm.init(model, key))
    adapters = _restored(found, lambda key: lora.init(model, key))
    return lora.merged(_frozen(config, model, found), adapters, model)


def _frozen(config: ConfigDict, model: lm.LMConfig, found: Path) -> lm.Params:
    """What the adapters of a run were added to."""
    plain = dataclasses.replace(model, lora=None)
    if has_weights(config.model.name):
        return weights_of(config.model.name, plain)
    base = checkpoint.find(found.parents[1] / "base", "auto")
    if base is None:
        where = short(found.parents[1] / "base")
        raise ValueError(
            f"{where} is gone, whose weights the adapters of {short(found)} are added "
            "to; put it back"
        )
    return _restored(base, lambda key: lm.init(plain, key), under="")


def _restored(found: Path, init: Any, under: str = "params") -> lm.Params:
    """The arrays of a checkpoint that `init` would make, on the host."""
    device = jax.local_devices(backend="cpu")[0]
    here = jax.sharding.SingleDeviceSharding(device)
    like = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=here),
        jax.eval_shape(init, jax.random.key(0)),
    )
    if not under:
        return checkpoint.restore(found, like)
    return checkpoint.restore(found, {under: like}, apart=under)[under]
