"""What tasks of generated questions share: rows of text, written once by TFDS.

A question is text for any tokenizer; without one a token is a letter. A row has
`prompt` and `answer`, both text, and what else a verifier of the task reads.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from rewardlab.data import datasets
from rewardlab.data.batch import Batch
from rewardlab.data.downloaded import plain
from rewardlab.data.files import Table, alphabet, batch_from, table_of
from rewardlab.data.formats import in_format
from rewardlab.data.jsonl import Row
from rewardlab.tasks.files import imitating
from rewardlab.tasks.task import Task
from rewardlab.text.tokenizers import Tokenizer

Load = Callable[..., list[Row]]
SIZES = {"train": 1024, "validation": 128, "test": 128}
# Common words, of which short texts are made.
WORDS = (
    "apple arrow autumn basket bottle branch bread bridge butter button candle carpet "
    "castle cheese chimney circle cloud coffee corner cotton dinner doctor dragon "
    "engine evening family farmer feather finger flower forest friend garden glass "
    "hammer harbour honey hotel island jacket journey kettle kitchen ladder lantern "
    "letter library lemon market meadow mirror mountain music narrow needle ocean "
    "orange paper pencil pepper picture pillow planet pocket queen quiet rabbit river "
    "saddle sailor school shadow silver soldier spider spring square station summer "
    "table teacher thunder ticket tower travel turtle uncle valley village violin "
    "wagon water weather whisper window winter wooden yellow zebra"
).split()


class Questions(datasets.ProblemBuilder):
    """Problems with `prompt` and `answer` as text; an example may have more."""

    def features(self) -> dict[str, Any]:
        return {"prompt": tfds.features.Text(), "answer": tfds.features.Text()}


@dataclasses.dataclass(eq=False, kw_only=True)
class WordProblems(datasets.Problems):
    """How many words a text has, `min_words` to `max_words`, and how many a split."""

    min_words: int
    max_words: int

    def __post_init__(self) -> None:
        self.name = f"{self.min_words}to{self.max_words}words_{self.sizes}"
        if not 1 <= self.min_words <= self.max_words <= len(WORDS):
            raise ValueError(
                f"{self.min_words} to {self.max_words} words make no text; keep 1 <= "
                f"min_words <= max_words <= {len(WORDS)}"
            )

    def text(self, rng: np.random.Generator) -> str:
        """So many different words, each as likely."""
        count = rng.integers(self.min_words, self.max_words + 1)
        return " ".join(rng.choice(WORDS, count, replace=False).tolist())


def loader(
    builder: type[Questions],
    problems: Callable[..., datasets.Problems],
    difficulty: Mapping[str, Any],
) -> Load:
    """load(split, data_dir, **options): a split's rows, in order.

    They are generated under `data_dir` if they are not there yet. The options are
    fields of `problems`, else as in `difficulty`.
    """

    def load(split: str, data_dir: str | pathlib.Path, **options: Any) -> list[Row]:
        config = problems(**{**difficulty, **options})
        examples = datasets.read(builder, config, split, data_dir)
        return [{k: plain(x) for k, x in row.items() if k != "id"} for row in examples]

    return load


def question_task(
    module: ModuleType,
    scorers: str,
    completion_length: int,
    facts: tuple[str, ...] = (),
) -> Task:
    """The task of a module's `load` and `DIFFICULTY`, judged by the scorers.

    Completions have `completion_length` tokens, unless the config says otherwise.
    `facts` are columns that scorers of methods may read.
    """

    def of_data(data: Mapping[str, Any], tokenizer: Tokenizer | None = None) -> Task:
        known = tokenizer or alphabet(())
        column = data["demonstrations"]
        if column not in ("", "answer"):
            raise ValueError(
                f"data.demonstrations={column!r} is no column of text to imitate; have "
                "'answer'"
            )

        def load(split: str, data_dir: str | pathlib.Path, **options: int) -> Batch:
            def table(split: str) -> Table:
                rows = module.load(split, data_dir, **options)
                return table_of(rows, f"the {split} split")

            return batch_from(in_format(split, table, data, known), known)

        task = bare._replace(tokenizer=known, load=load)
        imitated = imitating(column, known) if column else None
        return task._replace(demonstrations=imitated)

    bare = Task(
        tokenizer=alphabet(()),
        load=module.load,
        completion_length=completion_length,
        facts=facts,
        difficulty=module.DIFFICULTY,
        scorers=scorers,
        of_data=of_data,
    )
    return bare
