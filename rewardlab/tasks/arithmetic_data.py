"""The problems of the arithmetic task: a TFDS builder, and their demonstrations."""

import contextlib
import dataclasses
import functools
import io
import pathlib
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from absl import logging
from jaxtyping import Bool, Int

from rewardlab.tasks.arithmetic import TOKENIZER
from rewardlab.tasks.columns import Columns, prompt_columns

PROMPT_LENGTH = 16
SPLITS = ("train", "validation", "test")
Problem = tuple[int, ...]

DIFFICULTY = {
    "min_terms": 2,
    "max_terms": 4,
    "max_operand": 9,
    "train": 4096,
    "validation": 512,
    "test": 512,
}
NOISE = {"noise": 0.25, "useless": 0.08}


@dataclasses.dataclass(eq=False, kw_only=True)
class Problems(tfds.core.BuilderConfig):
    """Which sums, and how many a split; each choice has its own folder.

    A problem is `min_terms` to `max_terms` numbers (each count as likely, as long as
    there are new problems of it) between 1 and `max_operand`.
    """

    name: str = dataclasses.field(init=False)
    min_terms: int
    max_terms: int
    max_operand: int
    train: int
    validation: int
    test: int

    def __post_init__(self) -> None:
        terms = f"{self.min_terms}to{self.max_terms}terms_upto{self.max_operand}"
        self.name = f"{terms}_{self.train}_{self.validation}_{self.test}"
        longest = self.max_terms * (len(str(self.max_operand)) + 1)
        some = 2 <= self.min_terms <= self.max_terms and self.max_operand >= 1
        if not some or longest > PROMPT_LENGTH:
            raise ValueError(
                f"{self.min_terms} to {self.max_terms} terms up to {self.max_operand} "
                "make no prompts; keep 2 <= min_terms <= max_terms, max_operand >= 1 "
                f"and the longest prompt within {PROMPT_LENGTH} characters"
            )


class Arithmetic(tfds.core.GeneratorBasedBuilder):
    """Sums with `prompt`, `answer`, `terms` (padded with -1) and a unique `id`.

    Splits share no problem, nor one that differs only in the order of its terms: the
    split is a function of the sorted terms.
    """

    VERSION = tfds.core.Version("1.0.0")
    builder_config: Problems
    code_path = None  # the place of a list of checksums; nothing is downloaded

    def _info(self) -> tfds.core.DatasetInfo:
        terms = (self.builder_config.max_terms,)
        features = {
            "prompt": tfds.features.Text(),
            "answer": tfds.features.Scalar(np.int32),
            "terms": tfds.features.Tensor(shape=terms, dtype=np.int32),
            "id": tfds.features.Scalar(np.int32),
        }
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features)
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[Any]]:
        first, generators = 0, {}
        for split, problems in _draw(self.builder_config).items():
            generators[split] = self._generate_examples(problems, first)
            first += len(problems)
        return generators

    def _generate_examples(
        self, problems: list[Problem], first: int
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        width = self.builder_config.max_terms
        for number, terms in enumerate(problems, first):
            yield (
                number,
                {
                    "prompt": "+".join(map(str, terms)) + "=",
                    "answer": sum(terms),
                    "terms": [*terms, *[-1] * (width - len(terms))],
                    "id": number,
                },
            )


def _draw(config: Problems) -> dict[str, list[Problem]]:
    """Random distinct problems of every split that has any, always the same ones."""
    sizes = {split: getattr(config, split) for split in SPLITS}
    drawn: dict[str, dict[Problem, None]] = {s: {} for s, n in sizes.items() if n}
    rng = np.random.default_rng(0)
    for _ in range(50 * sum(sizes.values())):
        if all(len(drawn[split]) == sizes[split] for split in drawn):
            return {split: list(problems) for split, problems in drawn.items()}
        count = rng.integers(config.min_terms, config.max_terms + 1)
        terms = tuple(rng.integers(1, config.max_operand + 1, count).tolist())
        split = _split_of(terms)
        if len(drawn.get(split, ())) < sizes[split]:
            drawn[split][terms] = None
    have = {split: len(problems) for split, problems in drawn.items()}
    raise ValueError(
        f"there are too few different sums for {config.name}, found {have}; lower the "
        "sizes of the splits, or raise max_operand or max_terms"
    )


def _split_of(terms: Problem) -> str:
    bucket = zlib.crc32(repr(sorted(terms)).encode()) % 10
    return {0: "validation", 1: "test"}.get(bucket, "train")


def load(split: str, data_dir: str | pathlib.Path, **problems: int) -> Columns:
    """A split's columns, generated under `data_dir` if it is not there yet.

    `problems` are fields of `Problems`, else as in `DIFFICULTY`. Gives `prompts`
    [M, 16], `prompt_mask`, `answer` [M], `terms` [M, max_terms] and `id` [M], in the
    order of `id`.
    """
    config = Problems(**(DIFFICULTY | problems))
    if split not in SPLITS:
        raise ValueError(f"no split {split!r}; have {list(SPLITS)}")
    if getattr(config, split) < 1:
        raise ValueError(f"the split {split!r} is empty; set its size to 1 or more")
    source = _prepared(config, data_dir).as_data_source(split=split)
    examples = sorted(source.__getitems__(range(len(source))), key=lambda e: e["id"])
    texts = [example["prompt"].decode() for example in examples]
    columns = prompt_columns(texts, TOKENIZER, PROMPT_LENGTH)
    for name in ("id", "answer", "terms"):
        columns[name] = np.array([example[name] for example in examples], np.int32)
    return columns


def _prepared(config: Problems, data_dir: str | pathlib.Path) -> Arithmetic:
    make = functools.partial(
        Arithmetic, config=config, data_dir=data_dir, file_format="array_record"
    )
    with _quiet():
        builder = make()
        if builder.is_prepared():
            return builder
        try:
            builder.download_and_prepare()
        except OSError:  # another process wrote the same folder first
            builder = make()
            if not builder.is_prepared():
                raise
        return builder


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """TFDS warns of configs its builder does not list, and talks of downloads."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        tfds.enable_progress_bar()
        logging.set_verbosity(verbosity)


def demonstrations(
    columns: Columns,
    seed: int | tuple[int, ...],
    length: int,
    noise: float,
    useless: float,
) -> tuple[Int[np.ndarray, "M T"], Bool[np.ndarray, "M T"]]:
    """One written-out solution of each problem, not always right: tokens and mask.

    The result of a step is wrong with probability `noise`, off by 1 to 9, and what
    follows goes on from it. After a step, with probability `useless`, comes a step that
    holds and leads nowhere: `+0`, or the last step again; and then perhaps another.
    `length` is T; a solution that does not fit is cut off, without an end.
    """
    rng = np.random.default_rng(seed)
    tokens = np.full((len(columns["terms"]), length), TOKENIZER.pad_id, np.int32)
    mask = np.zeros(tokens.shape, bool)
    for row, terms in enumerate(columns["terms"].tolist()):
        text = _solution([t for t in terms if t >= 0], rng, noise, useless)
        ids = [*TOKENIZER.encode(text), TOKENIZER.eos_id][:length]
        tokens[row, : len(ids)], mask[row, : len(ids)] = ids, True
    return tokens, mask


def _solution(
    terms: list[int], rng: np.random.Generator, noise: float, useless: float
) -> str:
    total, text = terms[0], ""
    for term in terms[1:]:
        result = total + term
        if rng.random() < noise:
            off = int(rng.integers(1, 10))
            result += off if rng.random() < 0.5 or off > result else -off
        step = f"{total}+{term}={result};"
        text, total = text + step, result
        while rng.random() < useless:
            repeats = rng.random() < 0.5
            text += step if repeats else f"{total}+0={total};"
    return f"{text}#{total}"
