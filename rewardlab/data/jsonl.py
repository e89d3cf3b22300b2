"""Files of problems, a row each: JSON lines or parquet."""

import json
import pathlib
from collections.abc import Iterable
from typing import Any

import pyarrow
import pyarrow.parquet

Row = dict[str, Any]


def read_rows(path: pathlib.Path) -> list[Row]:
    """The rows of a .jsonl or .parquet file; `ValueError` names the file and line."""
    try:
        if path.suffix == ".parquet":
            return pyarrow.parquet.read_table(path).to_pylist()
        text = path.read_text(encoding="utf-8-sig")  # a BOM may stand before the first
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ValueError(f"{path}:{line} is not UTF-8; save the file as that") from None
    except (OSError, pyarrow.ArrowException) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path} cannot be read: {reason}") from None
    # Not `splitlines`: U+2028 and its like may stand raw in the strings of JSON.
    lines = enumerate(text.split("\n"), 1)
    return [_row(line, f"{path}:{number}") for number, line in lines if line.strip()]


def _row(line: str, where: str) -> Row:
    try:
        row = json.loads(line, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        reason = str(error) or "it is nested too deeply"
        raise ValueError(f"{where} is not JSON: {reason}") from None
    if not isinstance(row, dict):
        raise ValueError(f'{where} is no object; write {{"prompt": ...}} a line')
    return row


def _once(pairs: Iterable[tuple[str, Any]]) -> Row:
    row: Row = {}
    for name, value in pairs:
        if name in row:
            raise ValueError(f"the key {name!r} stands twice")
        row[name] = value
    return row
