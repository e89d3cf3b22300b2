"""A grid's folder as a page: whole without a run, whatever is missing or hostile."""

import json
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from grids import CONFIG, EVIL, grid, run

from rewardlab import report
from rewardlab.__main__ import main
from rewardlab.results.reading import read_results
from rewardlab.runs.alarms import alarms_of
from rewardlab.show.report.again import span
from rewardlab.show.report.alarms import alarms_in
from rewardlab.show.report.arms import differences
from rewardlab.show.report.extremes import extremes
from rewardlab.show.rows import Row


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def read(page):
    """Parsed, and checked for what no report may have."""
    text = page.read_text(encoding="utf-8")
    found = Page(text)
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "iframe", "object", "link", "form", "base"}
    for _, attributes in found.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            where = attributes.get(name) or ""
            assert not re.match(r"[\w+.-]*:|//", where) or where.startswith("data:")
    assert "default-src 'none'" in text and "\x1b" not in text and "\u202e" not in text
    return found


@pytest.fixture
def two(tmp_path):
    grid(tmp_path / "g", ["a", "b"], [0, 1])
    for seed in (0, 1):
        run(tmp_path / "g" / f"0-{seed}", seed, 0.5 + 0.1 * seed)
        run(tmp_path / "g" / f"1-{seed}", seed, 0.6 + 0.1 * seed, optim={"lr": 0.5})
    return tmp_path / "g"


@pytest.fixture
def undrawn(monkeypatch):
    """Figures take seconds, and have tests of their own."""
    monkeypatch.setattr("rewardlab.show.report.write.figures_of", lambda *_: [])


def test_a_grid_is_one_page(two, tmp_path):
    """Drawn again it is the same, and nothing else is touched."""
    before = {f: f.stat().st_mtime_ns for f in two.rglob("*")}
    first = report(two, tmp_path / "out").read_bytes()
    assert report(two, tmp_path / "out").read_bytes() == first
    assert {f: f.stat().st_mtime_ns for f in two.rglob("*")} == before
    page = read(tmp_path / "out" / "index.html")
    for said in (
        "Does it help?",
        "4 of 4",
        "4 min 00 s",
        "2 × cpu, JAX 0.7.2",
        "it takes 20 steps, and there are 2",
        "abc1234",
        "rewardlab grid '--arm=b=outcome('\"'\"'correct'\"'\"')'",
        "optim.lr",
        "highest-paid wrong",
        "lowest-paid right",
        "outcome('correct') | center_by_group()",
    ):
        assert said in page.text, said
    assert "Not all runs are done" not in page.text and "init_from" not in [
        x for x in page.text.split() if x == "model.init_from"
    ]
    files = {
        tag["href"] for name, tag in page.tags if name == "a" and tag["href"][0] != "#"
    }
    assert files and all((tmp_path / "out" / file).is_file() for file in files)


def test_what_is_missing_is_said(tmp_path, undrawn):
    """One arm failed, one is torn, one has not begun; the page is there."""
    grid(tmp_path / "g", ["a", "b", "c"], [0])
    run(tmp_path / "g" / "0-0", state="failed")
    (tmp_path / "g" / "1-0").mkdir()
    (tmp_path / "g" / "1-0" / "metrics.jsonl").write_text('{"step": 1, "rew')
    (tmp_path / "g" / "0-0" / "completions" / "completions_00002.jsonl").write_text("{")
    page = read(report(tmp_path / "g"))
    assert "Not all runs are done" in page.text and "failed" in page.text
    assert "was cut short" in page.text and "No run of it has begun." in page.text
    assert (tmp_path / "g" / "report" / "index.html").exists()


def test_a_single_run_has_a_report(tmp_path, undrawn):
    run(tmp_path / "mine-0")
    page = read(report(tmp_path / "mine-0", question="Is it well?"))
    assert "Is it well?" in page.text and "was not recorded" in page.text


def test_hostile_names_are_text(tmp_path):
    """Of arms, of folders' states, in prompts, tokens, configs, errors, commands."""
    arm = "</title><img src=x onerror=alert(1)>" + EVIL
    grid(tmp_path / "g", [arm], [0], question=EVIL, command=["x", EVIL], commit=EVIL)
    said = {"reward": EVIL, "loss": EVIL, "sentence": EVIL, EVIL: {EVIL: EVIL}}
    run(tmp_path / "g" / "0-0", state="failed", **said)
    page = read(report(tmp_path / "g"))
    assert "onerror=alert(1)" in page.text and "\\x1b[31m\\u202e" in page.text


def test_the_command(undrawn, two, tmp_path, capsys, monkeypatch):
    said = ["rewardlab", "report", str(two), f"--out={tmp_path / 'out'}"]
    monkeypatch.setattr(sys, "argv", said)
    main()
    assert capsys.readouterr().out == f"the report is {tmp_path / 'out'}/index.html\n"
    monkeypatch.setattr(sys, "argv", ["rewardlab", "report", str(tmp_path / "none")])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2 and "neither" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_extremes():
    """Only what was paid and learned from; of equals the first."""

    def row(n, reward, verdict, kept=True):
        return Row(n, 0, reward, verdict, 3, 0.0, kept, "")

    rows = [row(0, 1.0, "right"), row(1, 2.0, "wrong"), row(2, 2.0, "wrong")]
    rows += [row(3, 9.0, "wrong", kept=False), row(4, None, "right"), row(5, -1.0, "")]
    found = {name: x[1].row for name, x in extremes([(None, x) for x in rows]).items()}
    want = {"highest-paid wrong": 1, "lowest-paid right": 0}
    assert found == want | {"highest paid": 1, "lowest paid": 5}
    assert extremes([]) == {}


def test_differences_are_those_between_arms(two):
    cells = {k: list(x.values()) for k, x in read_results(two).cells.items()}
    found = differences(cells)
    assert found.arms == ["a", "b"] and found.rows == {"optim.lr": ["0.1", "0.5"]}
    cells["c"] = [cells["a"][0]._replace(config={})]
    mixed = cells["a"][1]._replace(config={**CONFIG, "optim": {"lr": 0.5}})
    cells["b"] = [cells["a"][0], mixed]
    found = differences(cells)
    assert found.rows == {"optim.lr": ["0.1", "0.1 or 0.5"]}
    assert found.unknown == ["c"]


def falling(seed, steps=40):
    """Rows of a run that is paid more and more for what is less and less right."""
    rng = np.random.default_rng(seed)
    return [
        {"step": n, "reward/mean": n / 9 + rng.normal() / 50, "entropy": 1.0}
        | {"rewards/correct/mean": 0.9 - n / 50 + rng.normal() / 50}
        for n in range(1, steps + 1)
    ]


def test_the_page_says_which_alarms_ring(two, tmp_path, undrawn):
    """Of each run, since when and with what numbers, as the run's own end says it."""
    for seed in (0, 1):
        rows = falling(seed)
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (two / f"1-{seed}" / "metrics.jsonl").write_text(text)
    page = read(report(two, tmp_path / "out"))
    assert "in 2 of 4 runs" in page.text
    for seed in (0, 1):
        for alarm in alarms_of(falling(seed)):
            assert alarm.said in page.text and f"{seed}{alarm.name}{alarm.step}" in (
                page.text.replace("\n", "")
            )
    cells = {k: list(x.values()) for k, x in read_results(two).cells.items()}
    found = alarms_in(cells)
    assert found.head == ["divergence", "truth_falls"] and len(found.rung) == 4
    assert [x.runs for x in found.rows["a"]] == ["not measured"] * 2
    assert [x.runs for x in found.rows["b"]] == ["2 of 2"] * 2
    since = {x.step for x in found.rung if x.name == "divergence"}
    assert all(str(step) in found.rows["b"][0].since for step in since)
    assert "divergence in a: it takes 20 steps, and there are 2" in found.silent
    lacks = [line for line in found.silent if line.startswith("repetition")]
    assert lacks == ["repetition: no completions/repeated, measured in every run"]
    one = {"a": cells["a"], "b": [cells["b"][0], cells["a"][1]]}
    assert any("b (seed 1): it takes" in line for line in alarms_in(one).silent)
    waits = [run._replace(rows=()) for run in cells["a"]]
    assert alarms_in({"a": waits}).short == "" and not alarms_in({"a": waits}).rung


def test_a_plan_without_runs_is_a_sentence(tmp_path):
    grid(tmp_path / "g", [], [])
    with pytest.raises(ValueError, match="plans no run"):
        report(tmp_path / "g")


def test_spans_of_time():
    said = {0: "", 0.2: "1 s", 59.6: "1 min 00 s", 70: "1 min 10 s", 3900: "1 h 05 min"}
    assert {x: span(x) for x in said} == said
