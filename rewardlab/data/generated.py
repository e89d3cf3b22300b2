"""Problems that reasoning-gym generates; it is imported when it is asked for."""

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from rewardlab.data.jsonl import Row

SIZE, SEED = 1000, 0  # where nobody says
_EXTRA = "install it with: pip install 'rewardlab[tasks]'"


def of_reasoning_gym(
    name: str, args: Sequence[Any], options: Mapping[str, Any]
) -> tuple[list[Row], tuple[str, ...]]:
    """The different questions of a generator, and what is worth saying of them.

    A row has `prompt` (the question), `answer`, and `entry`, all of it, for its verdict
    `reasoning_gym('entry')`. `size` problems are drawn by `seed`; of those that repeat
    a question the first is kept. `ValueError`, in one sentence, for a generator or an
    option that there is not, and for those whose answers are known to be wrong.
    """
    if args:
        raise ValueError(
            f"reasoning_gym:{name} takes options by name, as in (size=500, seed=1)"
        )
    _refuse_wrong(name, options)
    said = json.dumps({"size": SIZE, "seed": SEED, **options}, sort_keys=True)
    rows, drawn = _drawn(name, said)
    if len(rows) == drawn:
        return rows, ()
    note = (
        f"{drawn - len(rows)} of the {drawn} problems of reasoning_gym:{name} ask what "
        f"another asks, and are left out"
    )
    return rows, (note,)


def _refuse_wrong(name: str, options: Mapping[str, Any]) -> None:
    if name == "basic_arithmetic" and not options.get("allow_parentheses", True):
        raise ValueError(
            "reasoning_gym:basic_arithmetic(allow_parentheses=False) has wrong answers "
            "in a quarter of its problems or more; leave the option out, or use "
            "chain_sum"
        )


@functools.lru_cache(4)
def _drawn(name: str, options: str) -> tuple[list[Row], int]:
    """The different questions, and how many were drawn."""
    make = gym(f"reasoning_gym:{name}").create_dataset
    try:
        entries = list(make(name, **json.loads(options)))
    except Exception as error:  # its own checks are assertions
        said = " ".join(str(error).split())
        raise ValueError(
            f"reasoning_gym:{name} cannot be made: {type(error).__name__}: {said}; "
            "see reasoning-gym's own list of generators and their options"
        ) from None
    if any(entry["answer"] is None for entry in entries):
        raise ValueError(
            f"reasoning_gym:{name} has problems without an answer; use another one"
        )
    rows: dict[str, Row] = {}
    for entry in entries:
        prompt, answer = entry["question"], str(entry["answer"])
        rows.setdefault(prompt, {"prompt": prompt, "answer": answer, "entry": entry})
    return list(rows.values()), len(entries)


def gym(asker: str) -> Any:
    """The package; `ValueError` that names the extra where it is not installed."""
    try:
        import reasoning_gym
    except ImportError:
        raise ValueError(f"{asker} needs reasoning-gym; {_EXTRA}") from None
    return reasoning_gym
