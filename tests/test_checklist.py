"""The checklist of the survey: each item from what runs have written, and no more."""

import json
import shutil
import sys

import grids
import pytest

from rewardlab.__main__ import main
from rewardlab.core.evaluations import KINDS
from rewardlab.show.checklist import ITEMS, checklist
from rewardlab.show.checklist.items import found

WHOLE = "outcome('correct') | center_by_group() | broadcast_to_tokens()"
STEPS = (
    "outcome('correct') | process('prm') | weighted_sum(correct=1, prm=1)"
    " | center_by_group() | returns_to_go()"
)
CONFIG = {
    "model": {"name": "S", "num_layers": 1, "init_from": "there"},
    "task": {"name": "arithmetic"},
    "warmup": {"steps": 2},
}
MEASURES = {"pass@1": "mean of 1 - C(n - c, 1) / C(n, 1) of 8 problems"}
SPENT = {"steps": 2, "sampled_tokens": 64, **dict.fromkeys(KINDS, 0)}


def facts(seed):
    """What a run writes beside its config."""
    device = {"kind": "cpu", "count": 2, "jax": "0.7.2", "seconds": 60.0}
    held_out = {"split": "a sample of the test split", "problems": 8, "prompts": "c0"}
    return {
        "devices": [device],
        "model": {"parameters": 1234, "weights": f"ab{seed}"},
        "data": {"train": {"problems": 64, "prompts": "cf"}, "held_out": held_out},
        "measures": MEASURES,
        "spent": SPENT,
    }


def change(folder, file, f):
    """The file's rows or record, changed."""
    at = folder / file
    if file.endswith("l"):
        rows = [f(json.loads(line)) for line in at.read_text().splitlines()]
        at.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        at.write_text(json.dumps(f(json.loads(at.read_text()))))


def counted(row):
    more = {"median_length": 4.0, "min_length": 1, "max_length": 9}
    more = {f"completions/{k}": x for k, x in more.items()}
    more |= {f"evaluations/{kind}": 16 for kind in KINDS}
    more |= {"completions/clipped_ratio": 0.25, "episodes/mean_turns": 2.0}
    return {**row, **(more if row["step"] else {})}


@pytest.fixture
def whole(tmp_path):
    """Two arms, three seeds: the second pays steps, and all else is the same."""
    folder = tmp_path / "g"
    grids.grid(folder, ["whole", "steps"], [0, 1, 2])
    for n, text in enumerate((WHOLE, STEPS)):
        for seed in (0, 1, 2):
            at = folder / f"{n}-{seed}"
            own = {**CONFIG, "reward": text, "sentence": text}
            grids.run(at, seed, 0.5 + 0.1 * seed, **own)
            change(at, "run.json", lambda x, seed=seed: {**x, **facts(seed)})
            change(at, "metrics.jsonl", counted)
    return folder


def states(folder, *against):
    return {k: x.state for k, x in checklist(folder, against)[-1].lines.items()}


def test_all_that_runs_write_is_stated_with_its_value(whole):
    for one in checklist(whole):
        assert {x.state for x in one.lines.values()} == {"stated"}, one
        assert one.count(True) == 10 and one.count(False) == 4 and not one.lacking
    said = {k: x.value for k, x in checklist(whole)[-1].lines.items()}
    assert said["model"] == "S; 1,234 parameters; weights ab0"
    assert said["granularity"] == "turn" and said["methodology"] == "critic"
    assert said["baseline"] == "whole, seed 0 (0-0)"
    assert "sampled tokens 1.00 ×" in said["compute"]
    assert "+ process('prm')" in said["ablation"].splitlines()
    assert "- broadcast_to_tokens()" in said["ablation"].splitlines()
    assert said["metric"] == f"pass@1: {MEASURES['pass@1']}"
    assert said["spread"].startswith("3 seeds, pass@1 0.600, over runs [0.500, 0.700]")
    assert said["hours"] == "0.0333 h with warm-up and evaluations; 2 × cpu"
    assert "32 judge calls" in said["overhead"] and "960 of them" in said["overhead"]
    assert said["length"] == "4 tokens; 2 turns"
    assert said["lengths"] == "min 1; median 4; max 9; 25.0% cut"


FIELDS = [
    ("config.json", "model.name", "model"),
    ("run.json", "model.parameters", "model"),
    ("run.json", "model.weights", "model"),
    ("run.json", "model", "model"),
    ("config.json", "task", "data"),
    ("config.json", "select", "data"),
    ("run.json", "data.train", "data"),
    ("config.json", "sentence", "granularity"),
    ("config.json", "reward", "methodology"),
    ("run.json", "spent", "compute"),
    ("run.json", "spent.forwards", "compute"),
    ("run.json", "data.held_out", "benchmarks"),
    ("run.json", "data.held_out.split", "benchmarks"),
    ("run.json", "data.held_out.prompts", "benchmarks"),
    ("run.json", "measures", "metric"),
    ("run.json", "measures.pass@1", "metric"),
    ("config.json", "seed", "spread"),
    ("run.json", "devices", "hours"),
    ("run.json", "devices.0.seconds", "hours"),
    ("run.json", "devices.0.kind", "hours"),
    *(("metrics.jsonl", f"evaluations/{kind}", "overhead") for kind in KINDS),
    ("metrics.jsonl", "completions/mean_length", "length"),
    ("metrics.jsonl", "episodes/mean_turns", "length"),
    ("metrics.jsonl", "completions/median_length", "lengths"),
    ("metrics.jsonl", "completions/clipped_ratio", "lengths"),
]


@pytest.mark.parametrize(("file", "field", "turns"), FIELDS)
def test_a_field_that_is_deleted_turns_exactly_its_line(whole, file, field, turns):
    """In the run's own files, whatever the siblings say."""
    run = whole / "1-0"
    if field == "episodes/mean_turns":  # without which others show that it is episodes
        change(run, file, lambda row: {**row, "episodes/turns": 0.5})
    before = states(run)

    def without(record):
        *path, last = [field] if file == "metrics.jsonl" else field.split(".")
        inner = record
        for name in path:
            inner = inner[int(name)] if name.isdigit() else inner[name]
        inner.pop(last, None)
        return record

    change(run, file, without)
    after = states(run)
    assert {k for k in ITEMS if before[k] != after[k]} == {turns}
    line = checklist(run)[0].lines[turns]
    assert line.state in ("partly", "missing") and line.value


def test_a_run_alone_finds_what_it_stands_against_by_name(whole, tmp_path):
    alone = tmp_path / "alone"
    shutil.copytree(whole / "1-0", alone)
    (one,) = checklist(alone)
    assert one.lacking == ["baseline", "compute"]
    assert one.lines["spread"] == ("missing", "one seed")
    (one,) = checklist(alone, [whole / "0-0"])
    assert not one.lacking and one.lines["ablation"].state == "stated"
    (one,) = checklist(whole / "1-0")  # its own grid is beside it
    assert one.lines["spread"].state == "stated"


def test_other_compute_is_counted_and_stated(whole):
    change(whole / "1-0", "run.json", lambda x: x | {"spent": SPENT | {
        "sampled_tokens": 96, "restarts": 512}})  # fmt: skip
    line = checklist(whole / "1-0")[0].lines["compute"]
    assert line.state == "partly"
    assert "sampled tokens 1.50 ×" in line.value and "restarts 512 aga" in line.value
    change(whole / "1-0", "run.json", lambda x: x | {"spent": SPENT | {
        "sampled_tokens": 66}})  # fmt: skip
    assert checklist(whole / "1-0")[0].lines["compute"].state == "stated"


def test_an_ablation_leaves_out_the_credit_and_nothing_else(whole):
    for seed in (0, 1, 2):
        change(whole / f"0-{seed}", "config.json", lambda x: x | {"optim": {"lr": 1.0}})
    line = checklist(whole)[-1].lines["ablation"]
    assert line.state == "partly" and "other optim.lr" in line.value
    text = WHOLE.replace("center_by_group()", "center_by_group(leave_one_out=True)")
    own = {"reward": text, "sentence": text, "optim": {"lr": 0.1}}
    for seed in (0, 1, 2):
        change(whole / f"0-{seed}", "config.json", lambda x: {**x, **own})
    line = checklist(whole)[-1].lines["ablation"]
    assert line.state == "partly" and "no matter of credit: center_by_gr" in line.value


def test_a_baseline_of_another_base_is_none_in_full(whole):
    for seed in (0, 1, 2):
        change(whole / f"0-{seed}", "run.json", lambda x: x | {"model": {
            "parameters": 1234, "weights": "other"}})  # fmt: skip
    assert checklist(whole)[-1].lines["baseline"].state == "partly"


def test_of_an_arm_the_worst_seed_stands(whole):
    change(whole / "1-1", "run.json", lambda x: {**x, "measures": {}})
    line = checklist(whole)[-1].lines["metric"]
    assert line.state == "missing" and line.value.endswith("(seed 1)")


def run_command(monkeypatch, *said):
    monkeypatch.setattr(sys, "argv", ["rewardlab", "report", *map(str, said)])
    try:
        main()
    except SystemExit as ended:
        return ended.code
    return 0


def test_strict_fails_where_a_required_item_is_missing(whole, capsys, monkeypatch):
    """And the command writes nothing, as it is or strict."""
    before = {f: f.stat().st_mtime_ns for f in whole.parent.rglob("*")}
    monkeypatch.setenv("COLUMNS", "80")
    assert run_command(monkeypatch, whole, "--checklist", "--strict") == 0
    said = capsys.readouterr().out
    assert said.count("10 of 10 required stated, 4 of 4 recommended stated") == 2
    assert "✓  9 R metric" in said and max(map(len, said.splitlines())) <= 80
    assert {f: f.stat().st_mtime_ns for f in whole.parent.rglob("*")} == before
    change(whole / "0-0", "run.json", lambda x: {**x, "spent": {}})
    assert run_command(monkeypatch, whole, "--checklist") == 0
    assert run_command(monkeypatch, whole, "--checklist", "--strict") == 1
    assert "missing: compute" in capsys.readouterr().out
    assert run_command(monkeypatch, whole, "--strict") == 2
    assert "are of --checklist; add it" in capsys.readouterr().err


def test_what_is_there_and_what_lacks():
    assert found({"size": "3", "version": ""}) == ("partly", "3; no version")
    assert found({"size": "", "version": ""})[0] == "missing"
    levels = [item.required for item in ITEMS.values()]
    assert (levels.count(True), levels.count(False)) == (10, 4)
