"""Notebooks are their text files, were run, and run from an empty folder."""

import json
import re
from pathlib import Path

import grids
import matplotlib
import pytest
from small import TINY

import rewardlab
from rewardlab.launch import grid
from rewardlab.launch.kept import write_run
from rewardlab.launch.launchers import Ended

FOLDER = Path(__file__).parent.parent / "notebooks"
TEXTS = {file.stem: file.read_text() for file in sorted(FOLDER.glob("*.py"))}
GRIDS = [name for name, text in TEXTS.items() if "launch.grid" in text]
SHORT = {"warmup.steps": 1, "warmup.batch_size": 16, "train.max_steps": 2}
SHORT |= {
    "rollout.num_prompts": 4,
    "rollout.num_generations": 4,
    "eval.num_problems": 8,
}
SHORT |= {"mesh.devices": 1, **{f"model.{name}": size for name, size in TINY.items()}}
IN_A_BROWSER = ("from IPython", "import ipywidgets")


def cells_of(text):
    """Kind and text of each cell of a file in the percent format."""
    for part in re.split(r"^# %%", text, flags=re.M)[1:]:
        head, _, body = part.partition("\n")
        if "[markdown]" in head:
            yield "markdown", re.sub(r"^# ?", "", body.strip(), flags=re.M)
        else:
            yield "code", body.strip()


@pytest.fixture
def short(monkeypatch, tmp_path):
    """Training is of two steps and grids have such runs of two seeds, in an empty
    folder."""
    whole, whole_grid = rewardlab.train, grid.main

    def train(cfg, workdir, **said):
        for key, value in SHORT.items():
            *groups, name = key.split(".")
            holder = cfg
            for group in groups:
                holder = holder[group]
            holder[name] = value
        return whole(cfg, workdir, **said)

    def run(arguments):
        few = ["--seeds=0,1" if x.startswith("--seeds") else x for x in arguments]
        said = [f"--config.{key}={value}" for key, value in SHORT.items()]
        whole_grid([*few, *said, "--config.task.difficulty.train=64"])

    monkeypatch.setattr(rewardlab, "train", train)
    monkeypatch.setattr(grid, "main", run)
    monkeypatch.chdir(tmp_path)
    matplotlib.use("agg")


@pytest.fixture
def by_hand(monkeypatch):
    """The runs of a grid, once it is checked, are written and not trained."""

    def launch(self, runs):
        for one in runs:
            grids.run(one.folder, one.seed, score=0.5 + 0.1 * one.seed)
            write_run(one, "done")
            yield Ended(one, "done")

    monkeypatch.setattr(grid.Choice, "__call__", launch)


def run_cells(name):
    """Every cell, from an empty folder, but for those that need a browser."""
    space: dict = {}
    for kind, text in cells_of(TEXTS[name]):
        if kind == "code" and not any(x in text for x in IN_A_BROWSER):
            exec(compile(text, f"{name}.py", "exec"), space)


@pytest.mark.parametrize("name", TEXTS)
def test_a_notebook_runs(name, short, by_hand):
    """Its own training for two steps; its grid is read from runs written by hand."""
    run_cells(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", GRIDS)
def test_a_notebook_runs_its_grid(name, short):
    """A worker of its own compiles every arm, which takes a minute or more."""
    run_cells(name)


@pytest.mark.parametrize("name", TEXTS)
def test_a_notebook_is_its_text_and_was_run(name):
    """`make notebooks` writes it; what it printed and drew is in it."""
    cells = json.loads((FOLDER / f"{name}.ipynb").read_text())["cells"]
    shown = [(c["cell_type"], "".join(c["source"]).strip()) for c in cells]
    assert shown == list(cells_of(TEXTS[name]))
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code)
    outputs = [out for cell in code for out in cell["outputs"]]
    assert outputs and not any(out["output_type"] == "error" for out in outputs)
    assert not any(out.get("name") == "stderr" for out in outputs)  # warnings
    assert not re.search(r"/(home|root|tmp|work)/", json.dumps(outputs))
