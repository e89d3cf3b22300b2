"""The policy of a run as a Hugging Face folder."""

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import jax
from ml_collections import ConfigDict

from rewardlab.models import lm, lora
from rewardlab.models.shapes import has_weights, weights_of
from rewardlab.models.weights import write_folder
from rewardlab.runs import checkpoint
from rewardlab.runs.program import model_of
from rewardlab.system.files import short
from rewardlab.tasks import task_of, tokenizer_of
from rewardlab.tasks.files import DATA
from rewardlab.text.characters import write_characters
from rewardlab.text.tokenizers import CharTokenizer, Tokenizer


def export(run: str | Path, to: str | Path, dtype: str = "float32") -> str:
    """Writes the policy of a run's newest checkpoint; what was written, in a sentence.

    Adapters are merged into the weights. The tokenizer's files are those of the folder
    that the run began from; a tokenizer of characters is written as a tokenizer.json.
    The run may still be training. `ValueError` where there is nothing to export.
    """
    workdir = Path(run)
    if not (found := checkpoint.find(workdir, "auto")):
        raise ValueError(
            f"{short(workdir)} has no checkpoint to export; name the --workdir of a "
            "run that has saved one"
        )
    config = ConfigDict(_with_tuples(checkpoint.read_extra(found)["config"]))
    # Weights bring their vocabulary; a shape of its own has that of its task.
    task = DATA if has_weights(config.model.name) else task_of(config)
    model = model_of(config, task)
    params = _policy(config, model, found)
    with tempfile.TemporaryDirectory() as made:
        source = _texts(tokenizer_of(config) or task.tokenizer, Path(made))
        write_folder(to, model, params, source, dtype)
    count = sum(x.size for x in jax.tree.leaves(params))
    return (
        f"the policy of {short(workdir)} at step {found.name} is in {short(Path(to))}: "
        f"{count / 1e6:.1f} M parameters in {dtype}; transformers loads it with "
        "AutoModelForCausalLM.from_pretrained"
    )


def _with_tuples(record: Any) -> Any:
    """What JSON made lists of, as the config had it."""
    if isinstance(record, dict):
        return {name: _with_tuples(x) for name, x in record.items()}
    return tuple(map(_with_tuples, record)) if isinstance(record, list) else record


def _policy(config: ConfigDict, model: lm.LMConfig, found: Path) -> lm.Params:
    """The weights that a checkpoint stands for, in host memory."""
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


def _texts(tokenizer: Tokenizer, made: Path) -> Path | None:
    """The folder with the tokenizer's files; None for one that has no files."""
    if isinstance(tokenizer, CharTokenizer):
        write_characters(tokenizer, made)
        return made
    folder = getattr(tokenizer, "folder", None)
    return Path(folder) if folder else None
