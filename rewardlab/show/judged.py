"""`rewardlab judged FILE`: a reward model's scores of right and wrong answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from rewardlab.analysis import benchmarks
from rewardlab.analysis.benchmarks import Answers

FORM = '{"right": [0.9], "wrong": [0.2, 0.4, 0.1]}'


def judged(file: str, out: Console) -> None:
    """Prints `scores` of a JSONL file; `ValueError` names a line that is none."""
    table = Table("measure", "value", title=file, title_justify="left")
    for name, value in scores(read(file)).items():
        table.add_row(name, f"{value:.4f}")
    out.print(table)


def read(file: str) -> list[dict[str, Any]]:
    """The prompts of a file, a line each: `FORM`.

    A score may be a list, the scores of an answer's steps. Prompts with one `id`, one
    of them with several right answers, are RewardBench 2's ties.
    """
    if not Path(file).is_file():
        raise ValueError(f"no file {file}; give a JSONL of lines such as {FORM}")
    found = []
    for number, text in enumerate(Path(file).read_text().splitlines(), 1):
        try:
            line = json.loads(text)
            assert line["right"] and line["wrong"]
            assert isinstance(line["right"] + line["wrong"], list)
        except (ValueError, LookupError, TypeError, AssertionError):
            raise ValueError(
                f"{file} line {number} is no judged prompt; write lines such as {FORM}"
            ) from None
        found.append(line)
    if not found:
        raise ValueError(f"{file} is empty; write lines such as {FORM}")
    return found


def scores(lines: list[dict[str, Any]]) -> dict[str, float]:
    """RewardMATH's and RewardBench 2's measures, of each way to join steps' scores.

    `accuracy`: every right answer above every wrong one; `with ties`: none below;
    `MRR` and `relative rank` of the best right answer; `best of n`: credit of the one
    right answer among the highest; `ties`: see `benchmarks.ties_score`.
    """
    steps = any(isinstance(x, list) for x in lines[0]["right"])
    ways = benchmarks.STEP_SCORES if steps else {"": None}
    found = {}
    for way, join in ways.items():
        prompts = [_answers(line, join) for line in lines]
        ids = [line.get("id") for line in lines]
        for name, value in _measures(prompts, ids).items():
            found[f"{way} {name}".strip()] = value
    return found


def _answers(line: dict[str, Any], join: Callable[..., float] | None) -> Answers:
    sides = [line["right"], line["wrong"]]
    if join is not None:
        sides = [[join(np.asarray(x, float)) for x in side] for side in sides]
    return Answers(*(np.asarray(side, float) for side in sides))


def _measures(prompts: list[Answers], ids: list[Any]) -> dict[str, float]:
    found: dict[str, Any] = {
        "accuracy": np.mean([benchmarks.one_to_many_accuracy(p) for p in prompts]),
        "with ties": np.mean(
            [benchmarks.one_to_many_accuracy(p, False) for p in prompts]
        ),
        "MRR": np.mean([benchmarks.reciprocal_rank(p) for p in prompts]),
        "relative rank": np.mean([benchmarks.relative_rank(p) for p in prompts]),
    }
    single = [p for p in prompts if len(p.right) == 1]
    if single and len({len(p.wrong) for p in single}) == 1:
        table = np.stack([np.concatenate([p.right, p.wrong]) for p in single])
        found["best of n"] = benchmarks.best_of_credit(table).mean()
    named = {k: p for k, p in zip(ids, prompts, strict=True) if k is not None}
    tied = {
        k: p
        for k, p in zip(ids, prompts, strict=True)
        if k in named and len(p.right) > 1
    }
    plain = {
        k: p
        for k, p in zip(ids, prompts, strict=True)
        if k in named and len(p.right) == 1
    }
    if tied and plain:
        found["ties"] = benchmarks.ties_score(tied, plain)
    return {name: float(value) for name, value in found.items()}
