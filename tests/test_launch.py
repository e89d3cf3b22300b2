"""`rewardlab train` and `rewardlab grid`: names, flags and what they refuse."""

import json
import sys
from pathlib import Path

import pytest
from fake_worker import doing
from tiny_model import known_is_tiny

import rewardlab.__main__
from rewardlab.launch import grid, train, worker
from rewardlab.launch.configs import load_config, override, shipped
from rewardlab.runs.builders import loss_of

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch, tmp_path_factory):
    """A run that begins all the same fails at once; models are tiny."""
    known_is_tiny(tmp_path_factory.mktemp("cache"), monkeypatch)
    monkeypatch.setattr(worker, "COMMAND", doing("raise SystemExit(9)"))


def refused(capsys, main, *arguments):
    """The one sentence that a command ends with."""
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    said = str(end.value.code)
    assert (
        said.startswith("error: ") and "\n" not in said and not capsys.readouterr()[0]
    )
    return said


def test_configs_are_found_by_name_and_by_path():
    built_in = {"calculator", "quickstart", "search", "think_solve", "workflow"}
    of_models = {"countdown", "gsm8k", "reverse_text"}  # what they need is a user's
    assert set(shipped()) - {"smollm2"} == built_in | of_models
    for name, path in shipped().items():
        assert load_config(name).to_json() == load_config(str(path)).to_json()
    assert load_config("quickstart:pure").reward == "pure"
    text = "process('prm') | softmin_credit(temperature=t)"
    assert load_config(f"quickstart:{text}").hp.to_dict() == {"t": None}
    assert rewardlab.load_config is load_config


def test_shipped_configs_run_on_any_number_of_devices(tmp_path):
    """GSM8K's with a file of the same columns, as its own is not on every disk."""
    row = {"question": "2 + 3?", "answer": "2 + 3 = 5\n#### 5"}
    (tmp_path / "train.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "test.jsonl").write_text(json.dumps(row) + "\n")
    for name in shipped():
        config = load_config(name)
        assert config.mesh.devices == 0
        if name == "gsm8k":
            config.data.path = str(tmp_path)
        for devices in (1, 2, 4, 8):
            rewardlab.runs.validate.validate(config, devices)


FILES = {
    "argument.py": "def get_config(): return 0",
    "nothing.py": "x = 1",
    "number.py": "def get_config(): return 1",
    "broken.py": "def get_config(:",
    "config.txt": "",
}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nosuch", "no config 'nosuch'; have calculator, countdown"),
        ("quickstrat", "did you mean 'quickstart'"),
        ("no/such.py", "no config 'no/such.py'"),
        ("no/quickstart.py", "did you mean 'quickstart'"),
        ("", "no config ''"),
        ("quickstart:nosuch", "no method 'nosuch'"),
        ("quickstart:outcome(", "this is not a sentence"),
        ("argument.py:x", "get_config of config 'argument.py' does not go with"),
        ("nothing.py", "has no function get_config"),
        ("number.py", "gave a int; return a ConfigDict"),
        ("broken.py", "config 'broken.py' cannot be read: invalid syntax"),
        ("config.txt", "'config.txt' is no Python file"),
    ],
)
def test_a_config_that_is_not_there_is_one_sentence(
    name, says, tmp_path, monkeypatch, capsys
):
    for file, text in FILES.items():
        (tmp_path / file).write_text(text)
    monkeypatch.chdir(tmp_path)
    assert says in refused(capsys, train.main, f"--config={name}", "--workdir=w")
    assert says in refused(
        capsys, grid.main, f"--config={name}", "--workdir=w", "--arm=grpo"
    )
    assert not Path("w").exists()


def test_flags_change_the_config_and_bring_a_rewards_own_numbers():
    config = load_config("quickstart")
    flags = ["--config.reward=pure", "--config.hp.tau=0.3", "--config.seed", "7"]
    override(
        config, [*flags, "--config.loss=clipped(e) | constant()", "--config.hp.e=0.1"]
    )
    assert (config.reward, config.seed) == ("pure", 7)
    assert config.hp.to_dict() == {"tau": 0.3, "alpha": 1.0, "e": 0.1}
    assert str(loss_of(config)) == "clipped(0.1) | constant()"
    config = load_config("quickstart:pure")
    config.hp.tau = 0.9
    override(config, ["--config.reward=pure"])
    assert config.hp.tau == 0.9  # the file's own numbers for the same reward stay


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("--config.optim.lrr=1", "unknown config key 'lrr' Did you mean \"lr\""),
        ("--config.zzz.lr=1", "unknown config key 'zzz'"),
        ("--config.hp.tau=1", "unknown config key 'tau'"),
        ("--config.optim.lr=much", "could not convert string to float: 'much'"),
        ("--config.optim.lr", "missing value for flag --config.optim.lr"),
        ("--config.eval.every=1.5", "flag --config.eval.every=1.5: invalid literal"),
        ("--wrkdir=x", "unknown command line flag 'wrkdir'"),
        ("word", "unknown arguments word; flags begin with --"),
        ("--config.reward=grpoo", "no method 'grpoo'; did you mean 'grpo'"),
    ],
)
def test_a_flag_that_says_nothing_is_one_sentence(flag, says, capsys, tmp_path):
    common = ["--config=quickstart", f"--workdir={tmp_path / 'w'}"]
    assert says in refused(capsys, train.main, *common, flag)
    if "reward" not in flag:
        given = [*common, "--arm=grpo", "--", flag]
        assert says in refused(capsys, grid.main, *given)
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--arm=grpoo"], "arm 'grpoo' is no method"),
        (["--arm=grpo", "--arm=x=grpoo"], "no method 'grpoo'"),
        (["--arm=grpo", "--measure=pass@1,lenght"], "no held-out number 'lenght'"),
        (["--arm=grpo", "--measure=pass@3"], "--measure can have pass@1, pass@8, mean"),
        (["--arm=grpo", "--seeds=one"], "--seeds=one must be whole numbers"),
        (["--arm=grpo", "--seeds=0,4294967296"], "seed=4294967296 must be at most"),
        (["--arm=grpo", "--reach=nan"], "--reach=nan must be a share from 0 to 1"),
        (["--arm=grpo", "--jobs=0"], "--jobs=0 must be at least 1"),
        (["--arm=grpo", "--", "--config.seed=1"], "--config.seed is said by the grid"),
        (["--arm=grpo --config.reward=rloo"], "--config.reward is said by the grid"),
        (["--arm=grpo --workdir=x"], "--workdir is said by the grid"),
        (["--arm=soft=pure --config.hp.tua=1"], "unknown config key 'tua'"),
        (["--arm=grpo", "--", "--config.optim.lr=-1"], "optim.lr=-1"),
        (["--arm=x=outcome('corect') | center_by_group()"], "'corect'"),
        (["--arm=grpo", "--axis=optim.lr=1e-4,fast"], "--config.optim.lr=fast"),
        (["--arm=grpo", "--axis=optim.rl=1e-4"], "unknown config key 'rl'"),
        (["--arm=grpo", "--axis=hp.eta=0.5"], "hp.eta: no arm has that"),
        (["--arm=grpo", "--axis=optim.lr=1e-4,0.0001"], "are one config; name it once"),
        (["--arm=grpo", "--axis=seed=1,2"], "use --seed"),
    ],
)
def test_a_grid_is_checked_before_its_first_run(given, says, capsys, tmp_path):
    common = ["--config=quickstart", f"--workdir={tmp_path / 'w'}"]
    assert says in refused(capsys, grid.main, *common, *given)
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("command", ["train", "grid"])
def test_modules_of_the_current_folder_are_found(command, tmp_path, monkeypatch):
    """As `python -m` does; a console script has its own folder on the path instead."""
    (tmp_path / "rewards_of_mine.py").write_text("def short(**columns): ...")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [x for x in sys.path if x not in ("", str(ROOT))])
    given = ["--config=quickstart", "--workdir=w"] + ["--arm=grpo"] * (
        command == "grid"
    )
    where = "--config.scorers=rewards_of_mine:shrt"
    given += ["--"] * (command == "grid") + [where]
    monkeypatch.setattr(sys, "argv", ["rewardlab", command, *given])
    with pytest.raises(SystemExit, match="rewards_of_mine.* has no attribute 'shrt'"):
        rewardlab.__main__.main()
