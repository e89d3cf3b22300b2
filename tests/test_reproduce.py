"""Studies: each can be run as it stands, and its verdict follows from its seeds."""

import json
from pathlib import Path

import grids
import numpy as np
import pytest

from experiments.reproduce import __main__ as command
from experiments.reproduce import page
from experiments.reproduce.studies import STUDIES
from experiments.reproduce.study import Expected, Study, arm
from experiments.reproduce.verdicts import (
    REPRODUCED,
    REVERSED,
    UNSEEN,
    WAITS,
    answers,
    of_study,
)
from rewardlab.core.signals import SIGNALS
from rewardlab.methods.outside import words_at_hand
from rewardlab.results.numbers import episodes_at
from rewardlab.results.reading import Results, RunResult
from rewardlab.runs.record import resolved
from rewardlab.runs.validate import validate
from rewardlab.scorers.makers import SETTING
from rewardlab.scorers.sentence import scorers_of
from rewardlab.show.checklist import alone, beside
from rewardlab.show.checklist.case import cases_of
from rewardlab.tasks import TASKS

HIGHER, LOWER = Expected("new", ">", "old"), Expected("new", "<", "old")
SAME = Expected("new", "=", "old", margin=0.05)
BASE = np.array([0.5, 0.6, 0.7, 0.6, 0.5])
NOISE = np.array([0.01, -0.01, 0.0, 0.005, -0.005])


def numbers(gain):
    return {"old": {"pass@1": BASE}, "new": {"pass@1": BASE + gain}}


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_can_be_run(name, tmp_path):
    """Read and checked as the command does; weights are looked for when it runs."""
    study = STUDIES[name]
    grid = study.grid(name, tmp_path)
    for arm_, axes in grid.cells():
        config = grid.config_of(arm_, grid.seeds[0], axes)
        if config.model.name == "S":
            with words_at_hand(config.words):
                validate(config, devices=1)
    known = set(grid.arms)
    assert {x for e in study.expects for x in (e.arm, e.than)} <= known


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_what_the_checklist_requires_of_it(name, tmp_path):
    """A baseline of whole episodes on the same base, seeds, and measures that are
    defined; the rest is written by every run."""
    study = STUDIES[name]
    grid, runs = study.grid(name, tmp_path), []
    for arm_ in grid.arms:
        for seed in grid.seeds[:3]:
            config = grid.config_of(arm_, seed)
            record = json.loads(json.dumps(resolved(config)))
            folder = grid.folder(arm_, {}, seed)
            run = RunResult(arm_, {}, seed, "", folder, "done", "", record, ())
            runs.append(run)
    for case in cases_of(Results(tmp_path, {}, tuple(runs)), ()):
        of = (alone.granularity, alone.family, beside.baseline)
        lines = {find.__name__: find(case) for find in of}
        assert {line.state for line in lines.values()} == {"stated"}, lines
    assert len(grid.seeds) >= 3
    told = {m.removeprefix("gain/") for m in grid.measures}
    told -= {"mean_length", *(m for m in told if m.startswith("pass@"))}
    assert told <= {*SIGNALS, *TASKS[config.task.name].signals, "cover_match"}


@pytest.mark.parametrize("name", sorted(set(STUDIES) - {"planted"}))
def test_arms_differ_in_their_credit_and_not_in_their_loss(name, tmp_path):
    """A KL that one row brings and another does not would be taken for the reward."""
    grid = STUDIES[name].grid(name, tmp_path)
    losses = {
        resolved(grid.config_of(arm_, 0, axes))["loss"] for arm_, axes in grid.cells()
    }
    assert len(losses) == 1, losses


def rests(text):
    """Iterations in which the policy rests while the scorers of a config learn."""
    fits = [own.fit for own in scorers_of(text, SETTING) if own.fit]
    return max([int(fit.warmup) for fit in fits], default=0)


@pytest.mark.parametrize("name", sorted(set(STUDIES) - {"hints", "smollm2", "gamed"}))
def test_the_policies_of_a_study_learn_for_equally_many_steps(name, tmp_path):
    """`hints` doubles them, for half the episodes a step."""
    grid = STUDIES[name].grid(name, tmp_path)
    configs = [grid.config_of(arm_, 0, axes) for arm_, axes in grid.cells()]
    steps = {c.train.max_steps - rests(resolved(c)["scorers"]) for c in configs}
    assert len(steps) == 1, steps


def test_studies_of_a_folder_that_name_an_arm_alike_mean_the_same(tmp_path):
    """Else one would put the other's runs aside."""
    seen = {}
    for name, study in STUDIES.items():
        grid = study.grid(name, tmp_path)
        for arm_ in grid.arms:
            config = grid.config_of(arm_, 0).to_json_best_effort()
            at = (grid.workdir, arm_)
            assert seen.setdefault(at, (name, config))[1] == config, (name, *at)


@pytest.mark.parametrize(
    ("expected", "gain", "word"),
    [
        (HIGHER, 0.1 + NOISE, REPRODUCED),
        (HIGHER, -0.1 + NOISE, REVERSED),
        (HIGHER, NOISE, UNSEEN),
        (LOWER, -0.1 + NOISE, REPRODUCED),
        (LOWER, 0.1 + NOISE, REVERSED),
        (SAME, NOISE, REPRODUCED),
        (SAME, -0.1 + NOISE, REVERSED),
        (SAME, -0.05 + NOISE, UNSEEN),
        (HIGHER, np.full(5, np.nan), WAITS),
        (HIGHER, np.full(5, np.inf), WAITS),
    ],
)
def test_the_verdict_follows_from_the_paired_differences(expected, gain, word):
    assert answers([expected], numbers(gain))[0][0] == word


def test_several_comparisons_are_corrected():
    """A p of 0.03 is enough alone, and not beside another of the same measure."""
    gain = np.array([0.02, 0.01, 0.03, -0.001, 0.02])
    both = {**numbers(gain), "other": {"pass@1": BASE + NOISE}}
    assert answers([HIGHER], both)[0][0] == REPRODUCED
    two = answers([HIGHER, Expected("other", ">", "old")], both)
    assert [word for word, _ in two] == [UNSEEN, UNSEEN]


def test_a_claim_holds_only_whole():
    say = lambda *words: of_study([(word, "") for word in words])  # noqa: E731
    assert say(REPRODUCED, REPRODUCED) == REPRODUCED
    assert say(REPRODUCED, UNSEEN) == UNSEEN
    assert say(UNSEEN, REVERSED, REPRODUCED) == REVERSED
    assert say() == ""


STUDY = Study("Tried", "b is higher", "quickstart", ("grpo", "rloo"), seeds="0..1")


@pytest.fixture
def runs(tmp_path):
    """Two arms and two seeds as a grid leaves them."""
    folder = tmp_path / "tried"
    grids.grid(folder, ["grpo", "rloo"], [0, 1])
    plan = json.loads((folder / "grid.json").read_text())
    for entry, score in zip(plan["runs"], (0.5, 0.6, 0.7, 0.8), strict=True):
        entry["folder"] = f"{entry['arm']}-{entry['seed']}"
        grids.run(folder / entry["folder"], entry["seed"], score)
    (folder / "grid.json").write_text(json.dumps(plan))
    return tmp_path


def test_the_cost_of_a_run_is_what_its_cores_worked(runs):
    """Where the run says it; the clock on the wall counts what it waited for."""
    file = runs / "tried" / "grpo-0" / "run.json"
    said = json.loads(file.read_text())
    said["devices"] = [{"core_seconds": 20.0}, {"core_seconds": 5.0}]
    file.write_text(json.dumps(said))
    found = page.found("tried", STUDY, runs)
    assert found is not None and found.seconds == 25 + 3 * 60


def test_a_section_is_written_once_and_replaced(runs, tmp_path):
    found = page.found("tried", STUDY, runs)
    assert found is not None and found.done == 4 and found.seconds == 240
    file = tmp_path / "RESULTS.md"
    file.write_text("# Results\n\n## Tried\n\nBefore.\n\n")
    page.put("tried", STUDY, page.section("tried", STUDY, found), file)
    first = file.read_text()
    assert (
        "| `rloo` | 0.750" in first and "python -m experiments.reproduce tried" in first
    )
    page.put("tried", STUDY, "anew", file)
    assert page.sections(file.read_text()) == {"tried": "anew"}
    assert "Before." in file.read_text() and "rloo" not in file.read_text()


def test_where_nothing_was_expected_there_is_no_verdict(runs):
    found = page.found("tried", STUDY._replace(expects=()), runs)
    assert page.section("tried", STUDY._replace(expects=()), found).count("**") == 2


def test_what_has_not_begun_is_not_run(tmp_path, capsys):
    assert page.found("tried", STUDY, tmp_path) is None
    rows = list(page.overview({"tried": STUDY}, tmp_path))
    assert rows == [("tried", STUDY.claim, "0 of 4", "", "not run")]
    with pytest.raises(SystemExit, match="no study 'prim'; did you mean 'prime'"):
        command.main(["prim"])


def test_a_report_starts_no_run(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "STUDIES", {"tried": STUDY})
    file = tmp_path / "page.md"
    command.main(["all", "--report", f"--workdir={runs}", f"--page={file}"])
    assert "## Tried" in file.read_text()
    assert not list(runs.glob("*/*/base"))


def test_sections_of_the_page_are_of_studies():
    """And each says the command that makes it."""
    text = (Path(page.RESULTS)).read_text()
    for name, section in page.sections(text).items():
        assert name in STUDIES and page.command(name) in section


def test_episodes_count_what_was_sampled_again(runs):
    run = page.found("tried", STUDY, runs).results.runs[0]
    assert episodes_at(run, [0, 1, 2]).tolist() == [0, 8, 16]
    rows = tuple({**row, "refill/rounds": 3.0} for row in run.rows)
    assert episodes_at(run._replace(rows=rows), [0, 1, 2]).tolist() == [0, 24, 48]
    hinted = tuple({**row, "elsewhere/frac_hinted": 0.0} for row in run.rows)
    assert episodes_at(run._replace(rows=hinted), [1.5]).tolist() == [24]


def test_an_arm_has_options_of_its_own():
    said = arm("mine", "grpo", {"loss": "clipped(0.2) | kl(0.1)", "hp.eps": 1e-4})
    assert (
        said
        == "mine=grpo --config.loss='clipped(0.2) | kl(0.1)' --config.hp.eps=0.0001"
    )
