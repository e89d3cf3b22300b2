"""A file of completions as it is on the disk: read whole, checked once.

Such files are data that a policy wrote, and may be torn, foreign or hostile: what is
not a record of a completion is refused in one sentence that names file and line.
"""

import json
import math
from pathlib import Path
from typing import Any

from rewardlab.runs.completions import LISTS, NOT_FINITE, ON, SCHEMA
from rewardlab.system.files import numbered
from rewardlab.system.printable import one_line

Line = dict[str, Any]
PER_TOKEN = ("tokens", "mask", "step_of_token", "texts", "logp", "advantage")
_WHOLE, _CHOSEN, _TEXT = (int,), (bool,), (str,)
_NUMBER = (int, float, type(None))
_ENTRIES = (_WHOLE, _CHOSEN, _WHOLE, _TEXT, _NUMBER, _NUMBER)


def steps(workdir: Path) -> dict[int, Path]:
    """The files of completions of a run, by training step."""
    if not workdir.is_dir():
        where = one_line(str(workdir))
        raise ValueError(f"no run in {where}; give the --workdir of a training run")
    return numbered(workdir / "completions", "completions_*.jsonl")


def read_lines(file: Path) -> list[Line]:
    """All records of a step; a last one that was cut short is left out."""
    where = one_line(str(file))
    try:
        *texts, _ = file.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise ValueError(f"{where} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{where} is not text in UTF-8; show another step") from None
    if not texts:
        raise ValueError(f"{where} was cut short and is empty; show another step")
    return [_record(text, f"{where} line {n}") for n, text in enumerate(texts, 1)]


def _record(text: str, where: str) -> Line:
    try:
        line = json.loads(
            text, parse_float=_float, parse_int=_int, parse_constant=lambda _: None
        )
    except (ValueError, RecursionError):
        raise ValueError(f"{where} is not JSON; show another step") from None
    schema = line.get("schema", 1) if isinstance(line, dict) else 1
    if type(schema) is int and schema > SCHEMA:
        raise ValueError(
            f"{where} is of schema {schema} and this version reads {SCHEMA} and older; "
            "show it with the rewardlab that wrote it"
        )
    problem = _problem(line)
    if problem:
        raise ValueError(
            f"{where} is no completion of a training run, {problem}; show another step"
        )
    return line


def _problem(line: Any) -> str:
    """What keeps a line from being read; "" if nothing does."""
    if not isinstance(line, dict):
        return "but another kind of JSON"
    if "texts" not in line and "tokens" in line:
        return "for it holds no texts of single tokens"
    whole = {"group": _WHOLE, "prompt": _TEXT, "reward": _NUMBER, "signals": (dict,)}
    for name, kinds in whole.items():
        if name not in line or type(line[name]) not in kinds:
            return f"for its {name!r} is {_said(line, name)}"
    for name, kinds in zip(PER_TOKEN, _ENTRIES, strict=True):
        entries = line.get(name)
        if not isinstance(entries, list) or {type(x) for x in entries} - {*kinds}:
            return f"for its {name!r} is {_said(line, name)}"
    if len({len(line[name]) for name in PER_TOKEN}) > 1:
        return f"for {', '.join(PER_TOKEN)} are not as long as each other"
    stages = line.get("stages", [])
    wrong = {
        "schema": type(line.get("schema", 1)) is not int,
        "kept": type(line.get("kept", True)) is not bool,
        "stages": type(stages) is not list
        or not all(_is_stage(stage, line) for stage in stages),
    }
    bad = [name for name, is_wrong in wrong.items() if is_wrong]
    return f"for its {bad[0]!r} is of a wrong kind" if bad else ""


def _is_stage(stage: Any, line: Line) -> bool:
    if not isinstance(stage, dict) or type(stage.get("word")) is not str:
        return False
    channels = stage.get("channels")
    return isinstance(channels, dict) and all(
        isinstance(x, dict)
        and {"on", "value"} <= x.keys()
        and _is_channel(x["on"], x["value"], line)
        for x in channels.values()
    )


def _is_channel(on: Any, value: Any, line: Line) -> bool:
    """Whether a value is about what it says."""
    if on not in ON:
        return False
    values = value if on in LISTS else [value]
    if not isinstance(values, list) or {type(x) for x in values} - {*_NUMBER, str}:
        return False
    if any(isinstance(x, str) and x != NOT_FINITE for x in values):
        return False
    return on != "token" or len(values) == len(line["tokens"])


def _said(line: Line, name: str) -> str:
    return "of a wrong kind" if name in line else "missing"


def _float(text: str) -> float | None:
    return float(text) if math.isfinite(float(text)) else None


def _int(text: str) -> int | None:
    """None for what no number of a run is, and no float can hold."""
    return int(text) if len(text) < 20 else None
