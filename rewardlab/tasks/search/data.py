"""The problems of multi-hop search: a TFDS builder, and their demonstrations."""

import dataclasses
import pathlib
import string
from typing import Any, NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from rewardlab.data import datasets
from rewardlab.data.columns import Columns, Episodes, prompt_columns, written
from rewardlab.data.datasets import Example
from rewardlab.tasks.arithmetic.verifier import TOKENIZER
from rewardlab.tasks.search import text as search_text
from rewardlab.tasks.search.environment import MAX_HOPS, MAX_TURNS
from rewardlab.tasks.search.text import Episode

ENTITIES = [a + b for a in string.ascii_lowercase for b in string.digits]
RELATIONS = list(string.ascii_lowercase)
MAX_DISTRACTORS = 100
PROMPT_LENGTH = len("a7:") + MAX_HOPS + len("?")

DIFFICULTY = {
    "min_hops": 2,
    "max_hops": 4,
    "distractors": 8,
    "train": 4096,
    "validation": 512,
    "test": 512,
}
NOISE = {"noise": 0.2, "early": 0.15}


@dataclasses.dataclass(eq=False, kw_only=True)
class Problems(datasets.Problems):
    """Which questions, how large their stores, and how many a split.

    A question has `min_hops` to `max_hops` hops, each number as likely. Its store has
    `max_hops` + `distractors` facts, so its size does not tell the number of hops.
    """

    min_hops: int
    max_hops: int
    distractors: int

    def __post_init__(self) -> None:
        hops = f"{self.min_hops}to{self.max_hops}hops"
        self.name = f"{hops}_{self.distractors}distractors_{self.sizes}"
        possible = 2 <= self.min_hops <= self.max_hops <= MAX_HOPS
        if not possible or not 0 <= self.distractors <= MAX_DISTRACTORS:
            raise ValueError(
                f"{self.min_hops} to {self.max_hops} hops with {self.distractors} "
                f"distractors make no problems; keep 2 <= min_hops <= max_hops <= "
                f"{MAX_HOPS} and distractors from 0 to {MAX_DISTRACTORS}"
            )


class Problem(NamedTuple):
    """A question and its private store."""

    prompt: str  # "a7:rst?"
    path: tuple[int, ...]  # the fact of each hop
    facts: tuple[tuple[str, str], ...]  # ("a7r", "k2"), in any order


class Search(datasets.ProblemBuilder):
    """Questions with `prompt`, `keys`, `values`, `path` (padded with -1) and `id`.

    The entities and the relations of a path are all different. A distractor is one more
    fact of an entity that the store names already, by one of the question's relations,
    so that taking them out of order finds something, too; none leads onto the path.
    Splits share no prompt.
    """

    builder_config: Problems

    def features(self) -> dict[str, Any]:
        config = self.builder_config
        tensor = tfds.features.Tensor
        facts = config.max_hops + config.distractors
        return {
            "prompt": tfds.features.Text(),
            "keys": tensor(shape=(facts, 3), dtype=np.int32),
            "values": tensor(shape=(facts, 2), dtype=np.int32),
            "path": tensor(shape=(config.max_hops,), dtype=np.int32),
        }

    def draw(self, rng: np.random.Generator) -> Problem:
        config = self.builder_config
        hops = int(rng.integers(config.min_hops, config.max_hops + 1))
        relations = rng.choice(RELATIONS, hops, replace=False).tolist()
        entities = rng.permutation(ENTITIES).tolist()
        on_path, others = entities[: hops + 1], entities[hops + 1 :]
        keys = [e + r for e, r in zip(on_path, relations, strict=False)]
        store = dict(zip(keys, on_path[1:], strict=True))
        named = list(on_path)
        while len(store) < config.max_hops + config.distractors:
            key = named[rng.integers(len(named))] + relations[rng.integers(hops)]
            if key not in store:
                store[key] = others[rng.integers(len(others))]
                named.append(store[key])
        facts = [list(store.items())[i] for i in rng.permutation(len(store))]
        path = tuple([key for key, _ in facts].index(key) for key in keys)
        prompt = f"{on_path[0]}:{''.join(relations)}?"
        return Problem(prompt, path, tuple(facts))

    def key(self, problem: Problem) -> str:
        return problem.prompt

    def example(self, problem: Problem) -> Example:
        keys, values = zip(*problem.facts, strict=True)
        padding = [-1] * (self.builder_config.max_hops - len(problem.path))
        return {
            "prompt": problem.prompt,
            "keys": np.array([TOKENIZER.encode(key) for key in keys], np.int32),
            "values": np.array([TOKENIZER.encode(v) for v in values], np.int32),
            "path": np.array([*problem.path, *padding], np.int32),
        }


def load(split: str, data_dir: str | pathlib.Path, **problems: int) -> Columns:
    """A split's columns, generated under `data_dir` if it is not there yet.

    `problems` are fields of `Problems`, else as in `DIFFICULTY`. Gives `prompts`
    [M, 8], `prompt_mask` and `id` [M]; the store's F facts as tokens, `keys` [M, F, 3]
    and `values` [M, F, 2]; the facts of the hops, `path` [M, max_hops]; `answer`
    [M, 2]; and `truth` [M, 4], the turn that gives it, with `truth_mask`.
    """
    config = Problems(**(DIFFICULTY | problems))
    examples = datasets.read(Search, config, split, data_dir)
    texts = [example["prompt"].decode() for example in examples]
    columns = prompt_columns(texts, TOKENIZER, PROMPT_LENGTH)
    for name in ("id", "keys", "values", "path"):
        columns[name] = np.array([example[name] for example in examples], np.int32)
    rows = np.arange(len(texts))
    last = columns["path"][rows, np.sum(columns["path"] >= 0, axis=1) - 1]
    answer = columns["answer"] = columns["values"][rows, last]
    (mark,), (end,) = TOKENIZER.encode("#"), TOKENIZER.encode("\n")
    columns["truth"] = np.pad(answer, ((0, 0), (1, 1)), constant_values=mark)
    columns["truth"][:, -1] = end
    columns["truth_mask"] = np.ones_like(columns["truth"], bool)
    return columns


def demonstrations(
    columns: Columns,
    seed: int | tuple[int, ...],
    length: int,
    noise: float,
    early: float,
) -> Episodes:
    """One searched path of each problem, not always right.

    A query goes wrong with probability `noise`, and is then tried again: it takes
    another relation of the question, repeats an earlier query, writes a wrong character
    or leaves one out. From the first hop on, each turn before the last hop answers
    instead, too early, with probability `early`; and so does the last turn there is.
    `length` is T; what does not fit is cut off.
    """
    rng = np.random.default_rng(seed)
    names = ("keys", "values", "path", "answer")
    rows = zip(*(columns[name] for name in names), strict=True)
    starts = [
        search_text.ENVIRONMENT.reset(dict(zip(names, row, strict=True)))
        for row in rows
    ]
    episodes = [_episode(start, rng, noise, early) for start in starts]
    return written(episodes, TOKENIZER, length, end=False)


def _episode(
    state: Episode, rng: np.random.Generator, noise: float, early: float
) -> list[tuple[str, bool]]:
    pieces: list[tuple[str, bool]] = []
    for turn in range(MAX_TURNS):
        hops = len(state.path)
        hasty = 0 < state.reached and rng.random() < early
        if state.reached == hops:
            action = f"#{state.answer}"
        elif hasty or turn == MAX_TURNS - 1:
            action = f"#{state.path[state.reached][:2]}"
        elif rng.random() < noise:
            earlier = [text[:-1] for text, own in pieces if own]
            action = _wrong_query(state, earlier, rng)
        else:
            action = f"?{state.path[state.reached]}"
        after = search_text.ENVIRONMENT.step(state, action)
        pieces += [(f"{action}\n", True), (after.text, False)]
        if after.done:
            break
        state = after.state
    return pieces


def _wrong_query(state: Episode, earlier: list[str], rng: np.random.Generator) -> str:
    """Never the query that is due."""
    due = state.path[state.reached]
    others = [key[2] for key in state.path if key != due]
    place = int(rng.integers(3))
    wrong = {
        "relation": f"?{due[:2]}{others[rng.integers(len(others))]}",
        "repeated": earlier[rng.integers(len(earlier))] if earlier else "",
        "character": f"?{_other(due, place, rng)}",
        "left out": f"?{due[:place]}{due[place + 1 :]}",
    }
    ways = [query for query in wrong.values() if query not in ("", f"?{due}")]
    return ways[rng.integers(len(ways))]


def _other(key: str, place: int, rng: np.random.Generator) -> str:
    """The key with another letter, or another digit, at that place."""
    kind = string.digits if place == 1 else string.ascii_lowercase
    letters = kind.replace(key[place], "")
    return key[:place] + letters[rng.integers(len(letters))] + key[place + 1 :]
