"""Grids on other machines: commands that are printed, SLURM, Ray."""

import functools
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_train import numbers

from rewardlab.launch import choice, grid, ray_cluster, slurm
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
    assert list(Slurm(folder, 1, need)(runs)) == []
    first, second = (login_node / "scripts").read_text().split("#!/bin/bash")[1:]
    for script, array in ((first, "0-1%1"), (second, "0-1%1")):
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


ROOT = Path(__file__).parents[1]
CONFIG = """
import sys
sys.path.insert(0, {tests!r})
from test_train import tiny

def get_config(reward=""):
    return tiny(**{{"mesh.devices": 1, "train.max_steps": 3, "updates": ""}})
"""


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """A grid on this machine, as the others are to end."""
    folder = tmp_path_factory.mktemp("grids")
    (folder / "tiny.py").write_text(CONFIG.format(tests=str(ROOT / "tests")))
    command = [sys.executable, "-m", "rewardlab", "grid", *said(folder, "local")]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    return folder


def said(folder, name):
    flags = [f"--config={folder / 'tiny.py'}", f"--workdir={folder / name}"]
    flags += ["--arm=grpo", "--arm=soft=pure", "--axis", "hp.tau=0.5,1.0"]
    return [*flags, "--seeds=0,1", "--jobs=2", "--measure=pass@1,mean_length"]


def same(folder, name):
    """Every run of a grid has the numbers of the one on this machine, and its table."""
    runs = sorted(path.parent.name for path in (folder / "local").glob("*/run.json"))
    assert len(runs) == 6
    for run in runs:
        assert numbers(folder / name / run) == numbers(folder / "local" / run), run
    tables = [(folder / x / "table.md").read_text() for x in ("local", name)]
    assert tables[0] == tables[1]


@pytest.mark.slow
def test_slurm_ends_in_the_table_of_this_machine(local, monkeypatch):
    """With submitit's own executor in its place; who collects sees the end."""
    pytest.importorskip("submitit")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    processes = functools.partial(Slurm, cluster="local")
    monkeypatch.setattr(choice, "Slurm", processes)
    command = [*said(local, "slurm"), "--launcher=slurm", "--resources=minutes=10"]
    grid.main(command)
    files = [path.parent / RUN for path in (local / "local").glob("*/run.json")]
    ended = [local / "slurm" / file.parent.name / RUN for file in files]
    end = time.monotonic() + 400
    while any(json.loads(x.read_text())["state"] in ("waits", "runs") for x in ended):
        assert time.monotonic() < end
        time.sleep(1)
    grid.main([*command, "--collect"])
    same(local, "slurm")


@pytest.mark.slow
def test_ray_with_two_nodes_ends_in_the_table_of_this_machine(local, monkeypatch):
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        grid.main([*said(local, "ray"), "--launcher=ray"])
        same(local, "ray")
    finally:
        ray.shutdown()
        cluster.shutdown()
