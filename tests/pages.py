"""What the pages of docs/ show as files, put where their commands look for them."""

import json
import re
import sys
from pathlib import Path

import pytest
from tiny_model import known_is_tiny, tiny

ROOT = Path(__file__).parents[1]
FOLDER = "Qwen2.5-0.5B-Instruct"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page, language):
    """The fenced blocks of a page in one language."""
    text = page.read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def files():
    """Blocks of Python whose first line is a comment with a file's name, by name."""
    found = {}
    for page in PAGES:
        for block in blocks(page, "python"):
            if name := re.match(r"# (\w+\.py)\n", block):
                found[name[1]] = block
    return found


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    """A folder with these files and a few problems, in which a command is typed.

    A tiny model stands for those with a name and for the folders that the pages name.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    rows = [{"prompt": f"{i} and 1?", "answer": f"{i + 1}"} for i in range(90)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "problems.jsonl").write_text(lines)
    for row in rows:
        row["prompt"] = [{"role": "user", "content": row["prompt"]}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "chat.jsonl").write_text(lines)
    (tmp_path / FOLDER).symlink_to(tiny())
    known_is_tiny(tmp_path / "cache", monkeypatch)
    for name, block in files().items():
        (tmp_path / name).write_text(block)
        monkeypatch.delitem(sys.modules, name.removesuffix(".py"), raising=False)
    yield tmp_path
    for name in files():
        sys.modules.pop(name.removesuffix(".py"), None)
