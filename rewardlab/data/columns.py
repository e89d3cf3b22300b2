"""Problems as columns: arrays with one row per prompt."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from rewardlab.text.stops import end_of
from rewardlab.text.tokenizers import Tokenizer

Columns = dict[str, np.ndarray]
ASKED = ("completions", "completion_ids", "completion_mask")  # of text rewards
RESERVED = ("prompts", "prompt_mask", *ASKED, "correct")  # names for no column of data


class Episodes(NamedTuple):
    """Texts to imitate, one for each problem."""

    tokens: Int[np.ndarray, "M T"]
    mask: Bool[np.ndarray, "M T"]  # True: to be imitated
    valid: Bool[np.ndarray, "M T"]  # True: not padding


def prompt_columns(
    texts: Sequence[str], tokenizer: Tokenizer, length: int | None = None
) -> Columns:
    """`prompts` [M, length] int32 with padding on the left, and `prompt_mask`.

    Without a length it is that of the longest.
    """
    coded = [tokenizer.encode(text) for text in texts]
    length = max(map(len, coded), default=1) if length is None else length
    prompts = np.full((len(texts), length), tokenizer.pad_id, np.int32)
    mask = np.zeros((len(texts), length), bool)
    for row, (text, ids) in enumerate(zip(texts, coded, strict=True)):
        if not 0 < len(ids) <= length:
            raise ValueError(
                f"prompt {text!r} has {len(ids)} tokens; write 1 to {length}, or raise "
                "max_prompt_length"
            )
        prompts[row, -len(ids) :], mask[row, -len(ids) :] = ids, True
    return {"prompts": prompts, "prompt_mask": mask}


def prompt_texts(columns: Columns, tokenizer: Tokenizer) -> list[str]:
    """The prompts as text."""
    rows = zip(columns["prompts"], columns["prompt_mask"], strict=True)
    return [tokenizer.decode(ids[mask].tolist()) for ids, mask in rows]


def written(
    episodes: Sequence[Sequence[tuple[str, bool]]],
    tokenizer: Tokenizer,
    length: int,
    end: bool = True,
) -> Episodes:
    """Episodes of T = `length` tokens from pieces (text, is it the policy's own).

    With `end` a row ends with the tokenizer's end, which the policy writes. What does
    not fit is cut off.
    """
    tokens = np.full((len(episodes), length), tokenizer.pad_id, np.int32)
    mask, valid = np.zeros(tokens.shape, bool), np.zeros(tokens.shape, bool)
    for row, pieces in enumerate(episodes):
        said = [(tokenizer.encode(text), mine) for text, mine in pieces]
        said += [(end_of(tokenizer), True)] if end else []
        ids = [i for piece, _ in said for i in piece]
        own = [mine for piece, mine in said for _ in piece]
        count = min(len(ids), length)
        tokens[row, :count], valid[row, :count] = ids[:count], True
        mask[row, :count] = own[:count]
    return Episodes(tokens, mask, valid)


def checked(columns: Columns, source: str) -> Columns:
    """The columns, if they are a task's: `prompts`, `prompt_mask`, `id`, all as long.

    `ValueError`, in one sentence that names the `source`, for a column that is missing
    or of another length, and for ids that are no whole numbers or stand twice.
    """
    for name in ("prompts", "prompt_mask", "id"):
        if name not in columns:
            raise ValueError(
                f"{source} has no column {name!r}; have {sorted(columns)}, and every "
                "task needs prompts, prompt_mask and id"
            )
    ids, shape = np.asarray(columns["id"]), np.shape(columns["prompts"])
    if ids.ndim != 1 or not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(
            f"the column 'id' of {source} is {ids.dtype} of shape {ids.shape}; give "
            "each problem a whole number"
        )
    unique, counts = np.unique(ids, return_counts=True)
    if len(unique) < len(ids):
        twice = unique[counts > 1][0]
        raise ValueError(
            f"the id {twice} stands {counts[counts > 1][0]} times in {source}; give "
            "each problem its own"
        )
    if len(ids) and not -(2**31) <= ids.min() <= ids.max() < 2**31:
        raise ValueError(f"an id of {source} does not fit 32 bits; use smaller numbers")
    if len(shape) != 2 or np.shape(columns["prompt_mask"]) != shape:
        raise ValueError(
            f"{source} has prompts of shape {shape} and prompt_mask of "
            f"{np.shape(columns['prompt_mask'])}; both are [problems, tokens]"
        )
    for name, column in columns.items():
        if len(column) != len(ids):
            raise ValueError(
                f"the column {name!r} of {source} has {len(column)} rows and there are "
                f"{len(ids)} problems; give it one a problem"
            )
    return columns


def take(columns: Columns, rows: Int[np.ndarray, " B"]) -> Columns:
    """Some rows of every column."""
    return {name: column[rows] for name, column in columns.items()}


def sample_of(size: int, count: int) -> Int[np.ndarray, " count"]:
    """`count` of `size` rows at random, the same ones every time.

    Ids often go from easy to hard, so the first rows are no sample of the others. A
    larger sample holds the smaller ones.
    """
    return np.random.default_rng(size).permutation(size)[:count]


def batch_indices(
    seed: int, iteration: int, size: int, batch: int
) -> Int[np.ndarray, " batch"]:
    """The rows of an iteration's batch: a pure function of its arguments.

    An epoch is a permutation of all `size` rows cut into batches, so no row is twice in
    a batch or in an epoch. The size % batch rows left over differ from epoch to epoch.
    """
    if not 0 < batch <= size:
        raise ValueError(
            f"a batch of {batch} prompts does not fit a split of {size}; lower the "
            "batch size or enlarge the split"
        )
    epoch, place = divmod(iteration, size // batch)
    order = np.random.default_rng((seed, epoch)).permutation(size)
    return order[place * batch : (place + 1) * batch]


def paired_indices(
    seed: int, iteration: int, pair: Int[np.ndarray, " M"], batch: int
) -> Int[np.ndarray, " batch"]:
    """As `batch_indices`, of rows that are drawn two by two: those of equal `pair`.

    pair (4, 9, 4, 9), batch 2 -> rows (0, 2) or (1, 3)
    """
    numbers, counts = np.unique(pair, return_counts=True)
    if batch % 2 or (counts != 2).any():
        odd = numbers[counts != 2]
        said = (
            f"a batch of {batch} prompts is no number of pairs; make it even"
            if batch % 2
            else f"the column 'pair' has {odd[0]} not twice; give it to two problems"
        )
        raise ValueError(said)
    both = np.argsort(pair, kind="stable").reshape(-1, 2)
    return both[batch_indices(seed, iteration, len(both), batch // 2)].reshape(-1)
