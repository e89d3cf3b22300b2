"""The problems of a run: to train on, and held out."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from rewardlab.data.batch import Batch, batch_of
from rewardlab.data.columns import checked, paired_indices, sample_of
from rewardlab.runs.builders import select_of
from rewardlab.runs.helped import with_help
from rewardlab.selection import rounds_of
from rewardlab.tasks import Task


class Problems(NamedTuple):
    """Both splits, and what is worth saying of them."""

    train: Batch
    held_out: Batch
    notes: tuple[str, ...]


def problems_of(config: ConfigDict, task: Task, folder: Path) -> Problems:
    """Loads what the task has; `ValueError` for fewer problems than the config needs.

    Prompts that are longer than `rollout.max_prompt_length` are dropped, and counted in
    `notes`, or refused, as `data.too_long` says.
    """
    splits, notes = {}, [*task.notes]
    for split in ("train", "test"):
        found = task.load(split, folder, **config.task.difficulty)
        source = f"the {split} split of {config.task.name!r}"
        batch = found if isinstance(found, Batch) else batch_of(checked(found, source))
        splits[split], dropped = _within(config, batch, source)
        if dropped:
            notes.append(
                f"{dropped} of the {batch.size} prompts of {source} are longer than "
                f"rollout.max_prompt_length={config.rollout.max_prompt_length} tokens, "
                "and are left out"
            )
    train, test = splits["train"], _held_out(config, splits["test"])
    train = with_help(config, task, train)
    _refuse_few(config, train)
    if task.of_data:
        longest, size = train.arrays["prompts"].shape[1], task.tokenizer.vocab_size
        notes.append(
            f"{train.size} problems to train on and {test.size} held out; prompts have "
            f"up to {longest} tokens, of a vocabulary of {size}"
        )
    return Problems(train, test, tuple(notes))


def _within(config: ConfigDict, batch: Batch, source: str) -> tuple[Batch, int]:
    """The problems whose prompts fit, in no more columns than that, and the others'
    number."""
    most = config.rollout.max_prompt_length
    mask = np.asarray(batch.arrays["prompt_mask"])
    fits = mask.sum(axis=1) <= (most or mask.shape[1])
    if config.data.too_long == "refuse" and not fits.all():
        row = int(np.flatnonzero(~fits)[0])
        raise ValueError(
            f"the prompt of row {row} of {source} has {mask[row].sum()} tokens, above "
            f"rollout.max_prompt_length={most}; raise that, or set data.too_long='drop'"
        )
    if not fits.any():
        raise ValueError(
            f"no prompt of {source} fits rollout.max_prompt_length={most}; raise it"
        )
    if fits.all() and (not most or most >= mask.shape[1]):
        return batch, 0
    kept = batch.take(np.flatnonzero(fits))
    cut = {name: kept.arrays[name][:, -most:] for name in ("prompts", "prompt_mask")}
    return kept._replace(arrays={**kept.arrays, **cut}), int((~fits).sum())


def _refuse_few(config: ConfigDict, problems: Batch) -> None:
    """The problems of a batch are different ones, so there must be as many."""
    rounds, size = rounds_of(select_of(config)), config.rollout.num_prompts
    if size <= problems.size < size * rounds:
        raise ValueError(
            f"select={select_of(config)!r} with rollout.num_prompts={size} needs "
            f"{size * rounds} problems, and the train split has {problems.size}; lower "
            f"one of them, or {_more(config, 'train')}"
        )
    if (pair := problems.arrays.get("pair")) is not None:
        paired_indices(0, 0, np.asarray(pair), size)  # refuses what is not in pairs
    sizes = {"rollout.num_prompts": size}
    if config.warmup.steps:
        sizes["warmup.batch_size"] = config.warmup.batch_size
    for key, size in sizes.items():
        if size > problems.size:
            raise ValueError(
                f"{key}={size} and the train split has {problems.size} problems; lower "
                f"it, or {_more(config, 'train')}"
            )


def _held_out(config: ConfigDict, problems: Batch) -> Batch:
    """The problems that the policy is judged on; all of them for 0."""
    count, have = config.eval.num_problems, problems.size
    if count > have:
        raise ValueError(
            f"eval.num_problems={count} and the test split has {have}; lower it, or "
            f"{_more(config, 'test')}"
        )
    return problems.take(sample_of(have, count or have))


def _more(config: ConfigDict, split: str) -> str:
    """How the config can ask for more problems of a split."""
    key = f"task.difficulty.{split}"
    return f"raise {key}" if split in config.task.difficulty else "give more problems"
