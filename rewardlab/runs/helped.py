"""What rows from elsewhere need of the data and of a run: hints, solutions, facts.

A hint is a prompt of its own width beside the plain one; a solution is a row.
"""

import numpy as np
from jaxtyping import Bool, Int
from ml_collections import ConfigDict

from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.data.columns import Episodes
from rewardlab.runs.builders import select_of
from rewardlab.scorers.plan import Plan
from rewardlab.selection import words_of
from rewardlab.selection.hints import ExpertRows, HintFailed
from rewardlab.selection.recalling import Recall
from rewardlab.tasks import Task
from rewardlab.text.tokenizers import Tokenizer

Texts = list[list[int]]  # token ids; [] for none


def with_help(config: ConfigDict, task: Task, problems: Batch) -> Batch:
    """The problems, with the columns that words of `select` read.

    `ValueError`, in one sentence, for hints or solutions that there are not.
    """
    arrays = dict(problems.arrays)
    for word in words_of(select_of(config)):
        if isinstance(word, HintFailed):
            arrays |= _hints(config, task, problems, word.hint)
        if isinstance(word, ExpertRows):
            arrays |= _experts(config, task, problems)
    return problems._replace(arrays=arrays)


def _hints(
    config: ConfigDict, task: Task, problems: Batch, kind: str
) -> dict[str, np.ndarray]:
    """Prompts with a hint: `hint_prompts` [M, P + H], their mask, and which are."""
    said, select = _texts(config, task, problems, kind), select_of(config)
    if config.rollout.on_host:
        raise ValueError(
            f"select={select!r} samples with a hint, which an environment in Python "
            "does not know; set rollout.on_host=False"
        )
    if not any(said):
        raise ValueError(
            f"select={select!r}: no problem of task.name={config.task.name!r} has a "
            f"hint {kind!r}; leave that word out, or name another hint"
        )
    prompts, mask = (problems.arrays[k] for k in ("prompts", "prompt_mask"))
    width = prompts.shape[1] + max(map(len, said))
    out = np.full((len(said), width), task.tokenizer.pad_id, np.int32)
    for row, (text, plain, own) in enumerate(zip(said, prompts, mask, strict=True)):
        parts = [plain[own].tolist(), text]
        whole: list[int] = sum(parts[::-1] if kind == "answer" else parts, [])
        out[row, width - len(whole) :] = whole
    lengths = mask.sum(axis=1) + np.array([len(text) for text in said])
    return {
        "hint_prompts": out,
        "hint_prompt_mask": np.arange(width) >= width - lengths[:, None],
        "hint_there": np.array([bool(text) for text in said]),
    }


def _texts(config: ConfigDict, task: Task, problems: Batch, kind: str) -> Texts:
    """The hint of each problem."""
    if kind not in ("step", "answer"):
        if kind not in problems.facts or not all(
            isinstance(text, str) for text in problems.facts[kind]
        ):
            raise ValueError(
                f"select={select_of(config)!r} reads hints from the column {kind!r}, "
                f"and the data have no such text; have {sorted(problems.facts)}, or "
                "write 'step' or 'answer'"
            )
        return [task.tokenizer.encode(text) for text in problems.facts[kind]]
    shown = _solutions(config, task, problems)
    step = steps_of(task, shown)
    last = step.max(axis=1, keepdims=True)
    wanted = (step == 0) if kind == "step" else (step == last)
    whole = _ends(task.tokenizer, shown)[:, None]
    wanted &= shown.valid & whole & (last > 0)  # else it would be all of the solution
    ends = (*task.tokenizer.eos_ids, task.tokenizer.pad_id)
    return [
        [int(i) for i in row[own] if i not in ends]
        for row, own in zip(shown.tokens, wanted, strict=True)
    ]


def steps_of(task: Task, shown: Episodes) -> Int[np.ndarray, "M T"]:
    """The step of each token: a turn with what answers it, or as the task says."""
    if task.environment is not None:
        begins = shown.mask & ~np.pad(shown.mask, ((0, 0), (1, 0)))[:, :-1]
        return np.where(shown.valid, np.cumsum(begins, axis=1) - 1, -1)
    if task.segment is None:
        return np.where(shown.valid, 0, -1)
    m = len(shown.tokens)
    rollout = Rollout(
        prompts=np.zeros((m, 1), np.int32),  # type: ignore[arg-type]
        prompt_mask=np.ones((m, 1), bool),  # type: ignore[arg-type]
        group=np.arange(m),  # type: ignore[arg-type]
        tokens=shown.tokens,  # type: ignore[arg-type]
        mask=shown.mask,  # type: ignore[arg-type]
        valid=shown.valid,  # type: ignore[arg-type]
        step=np.zeros(shown.tokens.shape, np.int32),  # type: ignore[arg-type]
        logp=np.zeros(shown.tokens.shape),  # type: ignore[arg-type]
        signals={},
        iteration=0,  # type: ignore[arg-type]
    )
    return np.asarray(task.segment(rollout).step)


def _experts(config: ConfigDict, task: Task, problems: Batch) -> dict[str, np.ndarray]:
    """Solutions as rows, and which fit the length."""
    if task.environment is not None or config.rollout.on_host:
        raise ValueError(
            f"select={select_of(config)!r} puts solutions in as rows, and those of "
            f"task.name={config.task.name!r} are episodes that an environment answers; "
            "use a task without one"
        )
    shown = _solutions(config, task, problems)
    return {
        "expert_tokens": shown.tokens,
        "expert_mask": shown.mask,
        "expert_valid": shown.valid,
        "expert_there": _ends(task.tokenizer, shown),
    }


def _solutions(config: ConfigDict, task: Task, problems: Batch) -> Episodes:
    """What the task would have imitated, without its noise."""
    if task.demonstrations is None:
        raise ValueError(
            f"select={select_of(config)!r} reads the task's own solutions, and "
            f"task.name={config.task.name!r} has none; name their column in "
            "data.demonstrations, or leave that word out"
        )
    length, exact = config.rollout.max_completion_length, dict.fromkeys(task.noise, 0.0)
    return task.demonstrations(problems.columns, 0, length, **exact)


def _ends(tokenizer: Tokenizer, shown: Episodes) -> Bool[np.ndarray, " M"]:
    """The solutions that were not cut off."""
    full = shown.valid.all(axis=1)
    return ~full | np.isin(shown.tokens[:, -1], tokenizer.eos_ids)


def refuse_unfit(config: ConfigDict, plan: Plan) -> None:
    """`ValueError`, in one sentence, for what cannot be had of rows from elsewhere."""
    select, tree = select_of(config), config.rollout.branching.roots
    words = words_of(select)
    if tree or config.rollout.continuations:
        raise ValueError(
            f"select={select!r} replaces rows, and episodes here share prefixes; leave "
            "rollout.branching and rollout.continuations out, or that word"
        )
    read = sorted(plan.wanted_of("sampler") & {"hidden", "entropy", "top_logp"})
    written = any(isinstance(word, ExpertRows) for word in words)
    if set(read) - {"entropy"} or (read and written):
        raise ValueError(
            f"select={select!r} brings rows of which the sampler has no {read[-1]!r}, "
            "and that is read; leave one of them out"
        )
    late = [scorer.name for scorer in plan.second if scorer.place == "host"]
    if late and any(isinstance(word, Recall) for word in words):
        raise ValueError(
            f"select={select!r} brings back prompts of the past, of which the scorer "
            f"{late[0]!r} has no facts on the host; leave one of them out"
        )
    if isinstance(words[0], Recall):
        raise ValueError(
            f"select={select!r}: recall fills the places of prompts that words before "
            "it drop, and there is none; write keep_varied('correct') before it"
        )
