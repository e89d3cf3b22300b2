"""The one sentence of a report, and its line a run."""

import csv
import json

import numpy as np
from grids import grid, run

from rewardlab import report
from rewardlab.analysis.statistics import detectable
from rewardlab.results.tables import table
from rewardlab.show.report.numbers import verdict


def test_the_verdict_is_one_sentence():
    """Who is above and below the first arm; nobody by luck, and how blind it was."""

    def said(**solved):
        numbers = {k: {"pass@1": np.array(x)} for k, x in solved.items()}
        return verdict(table(numbers))

    a = [0.5, 0.6, 0.7]
    both = "b +0.100 [0.075, 0.125] above a; c -0.300 [-0.325, -0.275] below it"
    assert said(a=a, b=[0.61, 0.7, 0.79], c=[0.2, 0.31, 0.39]) == f"In pass@1: {both}."
    assert said(a=a, b=[0.2, 0.31, 0.39], c=[0.5, 0.7, 0.6]) == (
        "In pass@1: b -0.300 [-0.325, -0.275] below a; 1 of 2 not to be told from it."
    )
    blind = said(a=a, b=[0.6, 0.5, 0.8])
    assert blind.startswith(
        "No winner: in pass@1 b cannot be told from a; with 3 seeds"
    )
    assert said(a=a, b=a, c=a) == "No winner: in pass@1 no arm can be told from a."
    assert said(a=[0.5], b=[0.6]) == (
        "No winner: no arm has two seeds in common with a."
    )
    assert said(a=[0.5, np.nan], b=[np.nan, 0.6]).startswith("No winner: no arm has")
    alone = "One arm, so nothing is compared: pass@1 of a is 0.600 [0.352, 0.848]."
    assert said(a=a) == alone
    assert verdict(table({"a": {}, "b": {}})) == "No run has been evaluated yet."


def test_a_line_a_run(tmp_path, monkeypatch):
    """In `runs.csv`, whatever the names of arms and axes are."""
    monkeypatch.setattr("rewardlab.show.report.write.figures_of", lambda *_: [])
    grid(tmp_path / "g", ["a,b"], [0, 1])
    plan = json.loads((tmp_path / "g" / "grid.json").read_text())
    plan["runs"][0]["axes"] = {'x"': 0.5}
    (tmp_path / "g" / "grid.json").write_text(json.dumps(plan))
    run(tmp_path / "g" / "0-0")
    report(tmp_path / "g", tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out" / "runs.csv").open()))
    assert rows[0] == {"folder": "0-0", "arm": "a,b", 'x"': "0.5"} | {
        "seed": "0",
        "state": "done",
        "pass@1": "0.5",
        "mean_length": "5.0",
    }
    assert (rows[1]["state"], rows[1]["pass@1"], rows[1]['x"']) == ("waits", "", "")


def test_among_several_arms_it_takes_more_to_be_seen():
    """The sentence has the difference of the table's verdicts: corrected for arms."""
    numbers = {
        "a": {"pass@1": np.array([0.5, 0.6, 0.7])},
        "b": {"pass@1": np.array([0.6, 0.5, 0.8])},
        "c": {"pass@1": np.array([0.5, 0.7, 0.6])},
    }
    made = table(numbers)
    blind = max(d.comparison.seen for d in made.differences)
    gaps = [numbers[x]["pass@1"] - numbers["a"]["pass@1"] for x in "bc"]
    alone = max(detectable(3, float(gap.std(ddof=1))) for gap in gaps)
    assert blind > 1.2 * alone
    assert verdict(made).endswith(f"a difference of {blind:.3f} would have been seen.")
