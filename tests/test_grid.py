"""Arms, axes and seeds: what a grid plans, what it does of it, what it leaves."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rewardlab.launch.arms import Arm, arms_in, arms_of, axes_of, seeds_of
from rewardlab.launch.kept import bases, files_of, found_of, write_grid, write_run
from rewardlab.launch.plan import Grid, base_of, begins_from, planned
from rewardlab.runs.record import id_of, resolved, write_devices
from rewardlab.system.files import read_json

SENTENCE = "outcome('correct') | weighted_sum(correct=1)"


@pytest.mark.parametrize(
    ("text", "name", "arm"),
    [
        ("grpo", "grpo", Arm("grpo")),
        (f"plain={SENTENCE}", "plain", Arm(SENTENCE)),
        ("no-std.2=rloo", "no-std.2", Arm("rloo")),
        (
            "soft=pure --config.hp.tau=0.5 --config.optim.lr=1e-4",
            "soft",
            Arm("pure", ("--config.hp.tau=0.5", "--config.optim.lr=1e-4")),
        ),
        ("pure --config.hp.tau=0.5", "pure", Arm("pure", ("--config.hp.tau=0.5",))),
    ],
)
def test_an_arm_is_a_method_or_a_name_and_what_it_is(text, name, arm):
    assert arms_of([text]) == {name: arm}


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["grpoo"], "'grpoo' is no method; write NAME=SENTENCE"),
        ([SENTENCE], "is no method; write NAME=SENTENCE"),
        (["a/b=grpo"], "with a name of letters, digits"),
        (["../up=grpo"], "with a name of letters, digits"),
        (["-x=grpo"], "with a name of letters, digits"),
        (["x=grpo", "x=rloo"], "two arms are named 'x'"),
    ],
)
def test_what_is_no_arm_is_refused(texts, says):
    with pytest.raises(ValueError, match=says):
        arms_of(texts)


def test_seeds_are_whole_numbers_once_each():
    assert seeds_of("0, 7") == (0, 7) and seeds_of("0..2,9") == (0, 1, 2, 9)
    for text in ("0,a", "", "0,-1", "1.5", "0,0", "3..1", "..", "0..99999", "0..2,1"):
        with pytest.raises(ValueError, match="--seeds="):
            seeds_of(text)


def test_a_figure_of_more_runs_stays(tmp_path):
    """Wider takes the place of narrower, the same of the same, and no other."""
    wide = ["a-0", "a-1", "b-0", "b-1"]
    names = [path.name for path in files_of(tmp_path, wide[:2])]
    assert names == ["table.md", "learning_curves.png"]
    assert files_of(tmp_path, wide)[0].name == "table.md"
    assert files_of(tmp_path, wide[:3])[0].name == "table_2.md"
    assert files_of(tmp_path, wide[:3])[1].name == "learning_curves_2.png"
    assert files_of(tmp_path, ["c-0"])[0].name == "table_3.md"
    assert files_of(tmp_path, wide)[0].name == "table.md"


@pytest.mark.parametrize("torn", ['{"table.md": ["a-', "[]", '{"table.md": 3}', "\xff"])
def test_a_torn_record_leaves_the_figure_that_it_was_of(tmp_path, torn):
    files_of(tmp_path, ["a-0"])[0].write_text("a table")
    (tmp_path / "grid.json").write_text(torn, "latin-1")
    assert files_of(tmp_path, ["a-0", "a-1"])[0].name == "table_2.md"


def test_a_figure_that_nobody_recorded_stays(tmp_path):
    (tmp_path / "learning_curves.png").write_bytes(b"of other runs")
    assert files_of(tmp_path, ["a-0"])[1].name == "learning_curves_2.png"


def test_axes_are_keys_and_values():
    assert axes_of(["hp.eta=0.5, 0.7", "loss=a(1, 2) | b(),c('x,y')"]) == {
        "hp.eta": ("0.5", "0.7"),
        "loss": ("a(1, 2) | b()", "c('x,y')"),
    }
    for text in ("eta", "a b=1", "hp.eta=", "hp.eta=1,,2", "hp.eta=1,1", "seed=1,2"):
        with pytest.raises(ValueError, match="--axis="):
            axes_of([text])


def test_arms_from_a_file(tmp_path):
    file = tmp_path / "plan.py"
    file.write_text(
        "def arms():\n"
        "    for eta in (0.5, 0.7):\n"
        "        yield f'eta{eta}', {'reward': 'clip_delta', 'hp.eta': eta}\n"
    )
    assert arms_in(file) == {
        "eta0.5": Arm("clip_delta", ("--config.hp.eta=0.5",)),
        "eta0.7": Arm("clip_delta", ("--config.hp.eta=0.7",)),
    }
    for text, says in {
        "x = 1": "has no function arms",
        "def arms(:": "cannot be read",
        "def arms(): return {'a': 3}": "must be a name",
        "def arms(): return {'../a': {'reward': 'grpo'}}": "must be a name",
    }.items():
        file.write_text(text)
        with pytest.raises(ValueError, match=says):
            arms_in(file)
    with pytest.raises(ValueError, match="is no Python file"):
        arms_in(tmp_path / "none.py")


def plan_of(tmp_path, *arms, **said):
    return Grid("quickstart", arms_of(arms), (0, 1), tmp_path, **said)


def test_an_axis_of_a_hyperparameter_is_of_the_arms_that_have_it(tmp_path):
    axes = {"hp.tau": ("0.1", "0.2"), "optim.lr": ("1e-4", "3e-4")}
    made = plan_of(tmp_path, "grpo", "pure", axes=axes)
    runs = planned(made)
    assert len(runs) == 2 * (2 + 4) and len({run.id for run in runs}) == 12
    names = [run.folder.name for run in runs[:3]]
    assert names[0] == "grpo,optim.lr=1e-4-0" and names[2].startswith("pure,hp.tau=0.1")
    config = made.config_of("pure", 1, runs[-1].axes)
    assert (config.hp.tau, config.optim.lr, config.seed) == (0.2, 3e-4, 1)
    assert len({run.base for run in runs}) == 2  # one for each seed
    with pytest.raises(ValueError, match="no arm has that hyperparameter"):
        plan_of(tmp_path, "grpo", axes={"hp.eta": ("1",)}).cells()


def test_an_id_forgets_what_a_run_may_change(tmp_path):
    made = plan_of(tmp_path, "grpo")
    config = made.config_of("grpo", 0)
    first = id_of(resolved(config))
    config.train.max_steps, config.model.init_from = 7, "somewhere"
    assert id_of(resolved(config)) == first and base_of(config) == ""
    config.optim.lr = 1.0
    assert id_of(resolved(config)) != first


def test_folders_of_hostile_values_are_safe_and_apart(tmp_path):
    made = plan_of(tmp_path, "grpo", axes={"loss": ("a/../b", "a_.._b", "x" * 300)})
    names = [made.folder("grpo", {"loss": x}, 0).name for x in made.axes["loss"]]
    assert len(set(names)) == 3 and all("/" not in x and len(x) < 140 for x in names)


def test_what_lies_in_a_folder_says_what_is_left(tmp_path):
    made = plan_of(tmp_path, "grpo")
    run = planned(made)[0]
    assert found_of(run).state == "new"
    run.folder.mkdir()
    record = resolved(made.config_of("grpo", 0))
    (run.folder / "config.json").write_text(json.dumps(record))
    write_run(run, "runs")  # and then it was killed
    (run.folder / "metrics.jsonl").write_text('{"step": 5}\n{"st')
    assert found_of(run)[:2] == ("cut", 5)
    (run.folder / "metrics.jsonl").write_text(json.dumps({"step": run.steps}) + "\n")
    write_devices(run.folder, 1)
    write_run(run, "done", seconds=2.5)
    assert found_of(run).state == "done"
    said = json.loads((run.folder / "run.json").read_text())
    assert said["devices"][0]["count"] == 1 and said["seconds"] == 2.5
    assert found_of(run._replace(steps=999)).state == "cut"  # it goes on
    beyond = found_of(run._replace(steps=run.steps - 1))  # and not back
    assert (
        beyond.state == "changed"
        and beyond.why
        == f"it has gone to step {run.steps}, and train.max_steps={run.steps - 1}"
    )
    record["optim"]["lr"] = 1.0
    (run.folder / "config.json").write_text(json.dumps(record))
    found = found_of(run)
    assert found.state == "changed" and found.why == "optim.lr=1.0, now 0.00025"


def test_a_base_that_is_gone_is_taken_from_another(tmp_path, monkeypatch):
    """Of a run that was cut before it had a copy, when the first was done anew."""
    monkeypatch.setattr("rewardlab.launch.plan.newest", lambda folder: folder)
    first, cut, third = planned(plan_of(tmp_path, "grpo", "rloo", "pure"))[:3]
    cut.folder.mkdir()
    record = {"model": {"init_from": str(first.folder)}}
    (cut.folder / "config.json").write_text(json.dumps(record))
    of = bases([first, cut, third])
    assert begins_from(cut, of) is None
    (third.folder / "base").mkdir(parents=True)
    assert begins_from(cut, of) == third.folder
    (cut.folder / "base").mkdir()  # its own copy: it is what it was
    assert begins_from(cut, of) == first.folder


def test_a_grid_that_grows_takes_the_bases_that_it_has(tmp_path, monkeypatch):
    """Of runs that are done, or that another plan of this folder named."""
    monkeypatch.setattr("rewardlab.launch.plan.newest", lambda folder: folder)
    before = plan_of(tmp_path, "grpo")
    (first, *_) = planned(before)
    write_grid(before, [first])
    (first.folder / "base").mkdir(parents=True)
    (later, *_) = planned(plan_of(tmp_path, "rloo"))
    assert begins_from(later, bases([later])) == first.folder
    (tmp_path / "grid.json").write_text(json.dumps({"runs": ["torn", {"base": 1}]}))
    assert begins_from(later, bases([later])) is None


def test_grids_that_begin_at_once_lose_no_runs(tmp_path, monkeypatch):
    """Each reads what is there and writes it anew: they take turns."""

    def slowly(file):
        found = read_json(file)
        time.sleep(0.2)
        return found

    monkeypatch.setattr("rewardlab.launch.kept.read_json", slowly)
    grids = [plan_of(tmp_path, arm) for arm in ("grpo", "rloo", "pure")]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda grid: write_grid(grid, planned(grid)), grids))
    entries = read_json(tmp_path / "grid.json")["runs"]
    assert {entry["arm"] for entry in entries} == {"grpo", "rloo", "pure"}
