"""Problems, with completions of which it is known whether they are right."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rewardlab.data.batch import batch_of
from rewardlab.data.columns import RESERVED, prompt_texts
from rewardlab.data.jsonl import read_rows
from rewardlab.tasks import task_named
from rewardlab.text.stops import completed

SIZES = {"train": 64, "validation": 16, "test": 16}  # problems that are made
MOST = 16  # examples that are used
NO_ANSWERS = ("I do not know.",)  # wrong, whatever the problem is
Row = Mapping[str, Any]


class Example(NamedTuple):
    """A problem: its prompt, its columns, and right and wrong completions of it."""

    prompt: Any
    columns: Row = {}
    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


def read_examples(path: str, right: str = "right") -> tuple[Example, ...]:
    """The examples of a .jsonl or .parquet file, as `examples_of` reads its rows."""
    return examples_of(read_rows(Path(path)), right, path)


def examples_of(
    rows: Sequence[Row | Example], right: str = "right", source: str = "the examples"
) -> tuple[Example, ...]:
    """Rows of `prompt`, `right`, perhaps `wrong`, and columns, as examples.

    {"prompt": "3+4=", "right": "7", "wrong": ["8", "34"], "answer": "7"}

    `right` and `wrong` are a completion or a list; `right` may be another column, which
    is handed on then. Without any `wrong` one, what is right for another problem is
    wrong. `ValueError` that names the source and the row, for what is no example.
    """
    found = [
        row
        if isinstance(row, Example)
        else _example(row, right, f"row {i} of {source}")
        for i, row in enumerate(rows[:MOST])
    ]
    if not found:
        raise ValueError(f"{source} has no rows; write one problem a line")
    keys = {frozenset(example.columns) for example in found}
    if len(keys) > 1:
        odd = sorted(frozenset.union(*keys) - frozenset.intersection(*keys))
        raise ValueError(
            f"not all rows of {source} have the column {odd[0]!r}; give all the same"
        )
    return tuple(_with_wrong(example, found) for example in found)


def task_examples(name: str, folder: str) -> tuple[Example, ...]:
    """Examples of a task's problems, with the completions that its warm-up imitates.

    Its problems are made under `folder` if they are not there yet.
    """
    task = task_named(name)
    if task.environment is not None or task.on_host is not None:
        raise ValueError(
            f"the task {name!r} is of episodes; give completions of yours by --examples"
        )
    if task.of_data is not None and not task.difficulty:
        raise ValueError(f"the task {name!r} reads a file of yours; give --examples")
    few = {k: v for k, v in SIZES.items() if k in task.difficulty}
    loaded: Any = task.load("train", folder, **{**task.difficulty, **few})
    if isinstance(loaded, list):
        return examples_of(loaded, "answer", f"the task {name!r}")
    if task.demonstrations is None:
        raise ValueError(
            f"the task {name!r} has nothing to imitate, so nobody knows what is right; "
            "give --examples"
        )
    batch = loaded if hasattr(loaded, "facts") else batch_of(loaded)
    batch = batch.take(list(range(min(MOST, batch.size))))  # type: ignore[arg-type]
    clean = dict.fromkeys(task.noise, 0.0)
    shown = task.demonstrations(batch.arrays, 0, task.completion_length, **clean)
    texts = [
        completed(task.tokenizer, ids[valid].tolist())
        for ids, valid in zip(shown.tokens, shown.valid, strict=True)
    ]
    prompts = prompt_texts(batch.arrays, task.tokenizer)
    columns = {k: v for k, v in batch.columns.items() if k not in RESERVED}
    return examples_of(
        [
            Example(prompt, {k: _plain(v[i]) for k, v in columns.items()}, (text,))
            for i, (prompt, text) in enumerate(zip(prompts, texts, strict=True))
        ]
    )


def _plain(x: Any) -> Any:
    return x.tolist() if hasattr(x, "tolist") else x


def _example(row: Row, right: str, where: str) -> Example:
    due = (("prompt", "the problem"), (right, "a completion that is right"))
    for name, says in due:
        if name not in row:
            raise ValueError(
                f"{where} has no {name!r}, {says}; have {', '.join(sorted(row))}"
                + (", and --right names another column" if name == right else "")
            )
    apart = {"prompt", "wrong", *({"right"} if right == "right" else ())}
    columns = {name: value for name, value in row.items() if name not in apart}
    texts = _texts(row[right], f"{right!r} of {where}")
    wrong = _texts(row.get("wrong", []), f"'wrong' of {where}")
    return Example(row["prompt"], columns, texts, wrong)


def _texts(given: Any, where: str) -> tuple[str, ...]:
    texts = [given] if isinstance(given, str) else given
    listed = isinstance(texts, list | tuple)
    if not listed or not all(isinstance(x, str) for x in texts):
        raise ValueError(f"{where} is no text and no list of texts")
    return tuple(texts)


def _with_wrong(example: Example, others: Sequence[Example]) -> Example:
    """With wrong completions; none of them is among the right ones."""
    given = example.wrong
    if not given and example.right:
        given = tuple(text for other in others for text in other.right)
    known = {text.strip() for text in example.right}
    wrong = [text for text in (*given, *NO_ANSWERS) if text.strip() not in known]
    return example._replace(wrong=tuple(dict.fromkeys(wrong)))
