"""Grids on other machines: commands that are printed, SLURM, Ray."""

import json
import os
import shlex
import sys

import pytest

from rewardlab.launch import ray_cluster, slurm
from rewardlab.launch.plan import Planned
from rewardlab.launch.printed import Printed
from rewardlab.launch.resources import Resources, resources_of
from rewardlab.launch.slurm import Slurm
from rewardlab.results.reading import RUN


def runs_in(folder, count=4, bases="aabb"):
    return [
        Planned(
            f"{i:012x}",
            "grpo",
            {"hp.tau": "0.5"},
            i,
            folder / f"grpo,hp.tau=0.5-{i}",
            ("--config=quickstart", "--config.reward=it's 'quoted'"),
            bases[i],
            4,
            "one",
        )
        for i in range(count)
    ]


def test_resources_are_numbers_and_names_of_the_scheduler():
    assert resources_of("") == Resources()
    found = resources_of("cpus=2, gpus=1,minutes=240,memory=16,partition=gpu")
    assert found == Resources(2, 1, 240, 16, {"partition": "gpu"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cpus", "is not understood; write cpus=2,gpus=1"),
        ("gpus=half", "gpus must be a whole number"),
        ("cpus=0", "cpus and minutes must be at least 1"),
        ("cpus=1,cpus=2", "names 'cpus' twice"),
        ("a b=1", "is not understood"),
        ("qos=", "is not understood"),
    ],
)
def test_what_are_no_resources_is_refused(text, says):
    with pytest.raises(ValueError, match=says):
        resources_of(text)


def test_a_printed_command_is_one_that_a_shell_reads(tmp_path, capsys):
    runs = runs_in(tmp_path)
    assert list(Printed()(runs)) == []
    lines = capsys.readouterr().out.splitlines()
    read = [shlex.split(line) for line in lines]
    assert read == [["rewardlab", "train", *run.arguments] for run in runs]


@pytest.mark.parametrize(
    ("package", "use", "says"),
    [
        ("submitit", slurm.installed, r"pip install 'rewardlab\[slurm\]'"),
        ("ray", ray_cluster.connected, r"pip install 'rewardlab\[ray\]'"),
    ],
)
def test_a_package_that_is_not_there_is_named(package, use, says, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ValueError, match=says):
        use()


SBATCH = """#!/bin/sh
cat "$1" >> {scripts}
echo "Submitted batch job 7$(wc -l < {count})"
echo >> {count}
"""


@pytest.fixture
def login_node(tmp_path, monkeypatch):
    """A machine with an `sbatch` that takes every script, and nothing behind it."""
    pytest.importorskip("submitit")
    programs = tmp_path / "bin"
    programs.mkdir()
    (tmp_path / "count").touch()
    case = {"scripts": tmp_path / "scripts", "count": tmp_path / "count"}
    for name, text in {"sbatch": SBATCH.format(**case), "srun": "#!/bin/sh\n"}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return tmp_path


def test_slurm_gets_two_arrays_of_which_one_waits(login_node, capsys):
    folder = login_node / "grid"
    need = resources_of("cpus=2,gpus=1,minutes=30,memory=8,partition=gpu,account=me")
    runs = runs_in(folder)
    for run in runs:
        run.folder.mkdir(parents=True)
    assert list(Slurm(folder, 3, need)(runs)) == []
    first, second = (login_node / "scripts").read_text().split("#!/bin/bash")[1:]
    for script, array in ((first, "0-1%3"), (second, "0-1%3")):
        for line in (
            f"--array={array}",
            "--cpus-per-task=2",
            "--gpus-per-node=1",
            "--time=30",
            "--mem=8GB",
            "--partition=gpu",
            "--account=me",
        ):
            assert f"#SBATCH {line}" in script, line
    assert "dependency" not in first
    assert "#SBATCH --dependency=afterany:70" in second
    jobs = json.loads((folder / "slurm" / "jobs.json").read_text())
    # The first of each base, then those that begin from theirs.
    names = [run.folder.name for run in runs]
    ids = ("70_0", "71_0", "70_1", "71_1")
    assert jobs == dict(zip(names, ids, strict=True))
    states = [json.loads((run.folder / RUN).read_text())["state"] for run in runs]
    assert states == ["waits"] * 4
    said = capsys.readouterr().out
    assert said.splitlines() == [
        "2 runs are submitted as job 70",
        "2 runs are submitted as job 71",
    ]


def test_a_machine_without_slurm_is_no_login_node(tmp_path, monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="no SLURM on this machine"):
        list(Slurm(tmp_path, 1, Resources())(runs_in(tmp_path)))
