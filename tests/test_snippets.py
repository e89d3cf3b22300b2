"""What the README and the pages of docs/ show can be typed: every block is run.

Training itself is tested elsewhere, so here a run stops where it would begin: the
config is resolved and checked, the data are loaded, the programs are built.
"""

import contextlib
import re
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from pages import blocks
from pages import workshop as workshop

import rewardlab
from rewardlab import __main__ as command_line
from rewardlab.launch import choice, export, grid, train
from rewardlab.runs.handed import handed
from rewardlab.runs.prepare import prepare
from rewardlab.show import auditing, commands
from rewardlab.testing import ragged

ROOT = Path(__file__).parents[1]
DOCS = [page for page in sorted((ROOT / "docs").glob("*.md")) if page.stem != "methods"]
PAGES = [ROOT / "README.md", *DOCS]  # methods.md is written by the code it shows
# Parts of a file of ours, shown where they stand; the files have tests.
SHOWN = ("@named\ndef group_length_reward", "@pytest.mark", '"kimi_length": Method(')


def lines():
    """Every command of ours in a `bash` block or an indented line, without comments."""
    for page in PAGES:
        text = page.read_text().replace("\\\n", " ")
        for line in re.findall(r"^(?:    )?(\S*rewardlab \S.*)$", text, re.MULTILINE):
            words = shlex.split(line, comments=True)
            if words and Path(words[0]).name == "rewardlab":
                yield pytest.param(words[1:], id=" ".join(words)[:60])


def begin(config, workdir="", resume="auto", **objects):
    """`rewardlab.train` up to its first step."""
    config.model.init_from, config.models = "", ""  # no other run is here
    config.mesh.devices = config.mesh.devices or 1
    with handed(config, **objects) as named:
        if "train" in named.task.difficulty:
            named.task.difficulty.train = 64
        return prepare(named, Path(workdir))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_runs_as_it_stands(page, monkeypatch, workshop):
    """In the order of the page, in one namespace, with a `rollout` at hand."""
    monkeypatch.setattr(rewardlab, "train", begin)
    space = {"rollout": ragged()}
    for block in blocks(page, "python"):
        if not block.startswith(SHOWN):
            exec(compile(block, page.name, "exec"), space)


@pytest.mark.parametrize("words", list(lines()))
def test_a_command_is_understood(words, monkeypatch, workshop, capsys):
    """It prints, or it would begin to train; none is refused."""
    begun = lambda *said: begin(*said) and SimpleNamespace(alarms=())  # noqa: E731
    monkeypatch.setattr(train, "train", begun)
    monkeypatch.setattr(choice, "installed", lambda: None)  # as an extra is not here
    monkeypatch.setattr(grid, "run", lambda *_: None)
    monkeypatch.setattr(command_line, "show", lambda *_: None)  # there is no run here
    monkeypatch.setattr(export, "export", lambda *_: "")
    alone = lambda _: contextlib.nullcontext()  # noqa: E731
    monkeypatch.setattr(train, "together", alone)  # there are no other processes
    for name in ("measure", "compare", "distance", "judged", "_report", "_rescore"):
        monkeypatch.setattr(commands, name, lambda *_: None)
    monkeypatch.setattr(auditing, "answer", lambda *_: None)  # it takes long
    monkeypatch.setattr(sys, "argv", ["rewardlab", *words])
    try:
        command_line.main()
    except SystemExit as left:
        assert not left.code, left.code
