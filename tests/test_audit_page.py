"""docs/audit.md is what its command writes, and a report has the audit of its arms."""

import re
import sys
from pathlib import Path

import pytest

from rewardlab import METHODS, audit
from rewardlab.__main__ import main
from rewardlab.audits.page import Row, alike, page
from rewardlab.audits.table import HEADS, cells
from rewardlab.show.report.arms import ArmConfig
from rewardlab.show.report.paid import SHOWN, paid_by

PAGE = Path(__file__).parents[1] / "docs" / "audit.md"


def test_a_line_of_the_page_is_the_audit():
    """Of one method; all lines are compared in the slow test."""
    line = next(x for x in PAGE.read_text().splitlines() if "| `rloo`" in x)
    found = [cell.strip() for cell in line.strip("|").split("|")[2:]]
    assert found == cells(audit("rloo"))


@pytest.mark.slow
def test_all_lines_of_the_page_are_audits():
    """Those of methods that there still are; each by its first name."""
    wrong = []
    for line in PAGE.read_text().splitlines():
        if re.match(r"\| \d+ \| `", line):
            _, names, *found = (cell.strip() for cell in line.strip("|").split("|"))
            name = names.split(",")[0].strip("`")
            if name in METHODS and found != cells(audit(name)):
                wrong.append(name)
    assert not wrong, "write the page again, by the command that it names"


def test_methods_of_one_sentence_stand_together():
    groups = alike(["rloo", "gigpo", "dr_grpo", "grpo", "gspo", "ui_s1"])
    assert ("grpo", "gspo") in groups and ("gigpo",) in groups


def test_a_page_is_ordered_by_the_cosine_at_equal_budget(monkeypatch):
    found = audit("rloo", rows=2)
    better = Row(("b",), found)
    worse = Row(("a",), type(found)(**{**vars(found), "budget": 0.1}))
    text = page([worse, better, Row(("c", "d"), "no signal; do so")], "made by hand")
    assert re.search(r"\| 1 \| `b` .*\n\| 2 \| `a` ", text)
    assert "| `c`, `d` | no signal |" in text and "Written by `made by hand`" in text
    assert "`correct` | `verdict` | the verifier's verdict |" in text


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ([], "name a method"),
        (["--all"], "give --out"),
        (["outcome('correct')", "--out", "x.md"], "a page has methods alone"),
    ],
)
def test_what_is_no_page(said, says, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["rewardlab", "audit", *said])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert says in " ".join(capsys.readouterr().err.split())


def test_a_report_says_what_its_arms_pay_for():
    sentence = METHODS["rloo"].said("reward")
    arms = [
        ArmConfig("mine", "rloo", {"reward": sentence}, "{}"),
        ArmConfig("texts", "", {"reward": "outcome('bleu') | center_by_group()"}, "{}"),
        ArmConfig("not begun", "", {}, ""),
    ]
    assert paid_by(arms[2:]) is None
    found = paid_by(arms)
    assert list(found.lines) == ["mine", "texts"]
    assert found.lines["mine"][0] == "0.000" and len(found.lines["mine"]) == len(SHOWN)
    assert "'bleu'" in found.lines["texts"][0] and set(SHOWN) <= set(HEADS)
