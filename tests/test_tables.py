"""Tables of grids: problems as clusters, scores never reached, sweeps, LaTeX."""

import csv
import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from rewardlab.analysis.statistics import clustered, student
from rewardlab.results.figures import figures
from rewardlab.results.latex import escaped, tabular
from rewardlab.results.problems import paired, solved, verdicts_of
from rewardlab.results.reading import Results, RunResult
from rewardlab.results.sweeps import over, sweeps
from rewardlab.results.tables import comma_separated, latex, markdown, table, table_of

CONFIG = {"task": {"name": "sums"}, "eval": {"num_problems": 3}}
A = np.array([[1, 1], [0, 1], [0, 0]], bool)
B = np.array([[1, 1], [1, 1], [0, 1]], bool)
ROLLOUT = {"num_prompts": 4, "num_generations": 2}


def run(tmp_path, arm, seed, verdicts=None, config=CONFIG, share=None, **axes):
    folder = tmp_path / f"{arm}-{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    if verdicts is not None:
        np.save(folder / "held_out_after.npy", verdicts)
        share = verdicts.mean() if share is None else share
    rows = ({"step": 0, "eval/pass@1": 0.0}, {"step": 10, "eval/pass@1": share})
    config = {**config, "rollout": ROLLOUT}
    return RunResult(arm, axes, seed, "", folder, "done", "", config, rows)


def grid(*runs, **said):
    return Results(Path("g"), {"measures": ["pass@1"], **said}, runs)


def test_a_share_has_its_interval_over_problems(tmp_path):
    """Problems' means 1, 0.5 and 0: no other n than three."""
    found = solved([run(tmp_path, "a", 0, A)])
    assert found.problems == 3
    assert found.interval == student(np.array([1, 0.5, 0]), within=(0, 1))
    both = solved([run(tmp_path, "a", 0, A), run(tmp_path, "a", 1, B)])
    assert both.interval == student(np.array([1, 0.75, 0.25]), within=(0, 1))


def test_two_runs_are_paired_by_problem(tmp_path):
    """Differences 0, 0.5 and 0.5: what a problem's difficulty was cancels."""
    a, b = run(tmp_path, "a", 0, A), run(tmp_path, "b", 0, B)
    found = paired({0: b, 7: b}, {0: a, 1: a})
    assert found.interval == student(np.array([0, 0.5, 0.5]), within=(-1, 1))
    assert paired({1: b}, {0: a}) is None


@pytest.mark.parametrize(
    "other",
    [
        {"task": {"name": "others"}, "eval": {"num_problems": 3}},
        {"task": {"name": "sums"}, "eval": {"num_problems": 4}},
        {},
    ],
)
def test_other_problems_are_not_paired(tmp_path, other):
    a, b = run(tmp_path, "a", 0, A), run(tmp_path, "b", 0, B, other)
    assert paired({0: b}, {0: a}) is None


def test_verdicts_of_another_evaluation_do_not_count(tmp_path):
    assert verdicts_of(run(tmp_path, "a", 0, A, share=0.9)) is None
    assert verdicts_of(run(tmp_path, "a", 0, np.zeros((3, 0), bool), share=0.5)) is None
    assert verdicts_of(run(tmp_path, "a", 0, np.zeros(3), share=0.0)) is None
    torn = run(tmp_path, "a", 0, A)
    (torn.folder / "held_out_after.npy").write_bytes(b"\x93NUMPY")
    assert verdicts_of(torn) is None and solved([torn]) is None
    assert verdicts_of(run(tmp_path, "a", 0, share=0.5)) is None


def test_one_seed_is_told_of_its_problems(tmp_path):
    results = grid(run(tmp_path, "a", 0, A), run(tmp_path, "b", 0, B))
    text = markdown(table_of(results))
    _, low, high = student(np.array([0, 0.5, 0.5]), within=(-1, 1))
    told = f"b - a = 0.333, 1 seed; over 3 problems [{low:.3f}, {high:.3f}]"
    assert f"- pass@1: {told}, of these two runs alone" in text
    row = list(csv.DictReader(io.StringIO(comma_separated(table_of(results)))))[0]
    assert (row["problems"], row["low"]) == ("3", "") and float(
        row["problems_low"]
    ) == 0


def test_several_seeds_have_both_intervals(tmp_path):
    runs = [run(tmp_path, arm, s, x) for s in (0, 1) for arm, x in (("a", A), ("b", B))]
    made = table_of(grid(*runs))
    row = list(csv.DictReader(io.StringIO(comma_separated(made))))[1]
    want = clustered(np.array([[0], [0.5], [0.5]]), within=(-1, 1))
    assert float(row["difference_problems_low"]) == pytest.approx(want.low)
    assert float(row["difference_bootstrap_low"]) == pytest.approx(1 / 3)


def test_a_winner_on_few_problems_is_said_to_be_one_of_them(tmp_path):
    """Both seeds agree, the three problems do not: [-0.384, 1.050] over them."""
    runs = [run(tmp_path, arm, s, x) for s in (0, 1) for arm, x in (("a", A), ("b", B))]
    (found,) = table_of(grid(*runs)).differences
    assert found.winner == "b"
    assert found.verdict.endswith("it is not known, over 3 problems [-0.384, 1.000]")
    sure = found._replace(problems=None)
    assert "problems" not in sure.verdict
    # A narrow interval over problems is no reason to name one that seeds do not.
    unsure = found._replace(p=0.2)
    assert "problems" not in unsure.verdict and unsure.winner is None


def test_a_score_that_a_seed_never_reached_has_no_mean():
    """Those that reached it are the lucky ones: they are not compared."""
    late = np.array([10.0, np.inf, 20.0, np.nan])
    made = table({"a": {"until": np.array([9.0, 8, 9, 9])}, "b": {"until": late}})
    text = markdown(made)
    assert "| `b` | median 20.0, reached by 2 of 3 seeds |" in text
    assert made.differences == () and made.interval("b", "until") is None
    row = list(csv.DictReader(io.StringIO(comma_separated(made))))[1]
    assert (row["seeds"], row["reached"], row["mean"]) == ("3", "2", "")
    never = np.array([10.0, np.inf, np.inf])
    text = markdown(table({"a": {"until": never}, "b": {"until": never}}))
    assert "| `a` | reached by 1 of 3 seeds |" in text


def test_episodes_and_the_mean_over_training_are_measures(tmp_path):
    """0 at step 0 and 0.5 at step 10, of 8 episodes each."""
    results = grid(*(run(tmp_path, "a", s, A) for s in (0, 1)), reach=0.25)
    made = table_of(results, ["area/pass@1", "gain/pass@1"])
    assert made.numbers["a"]["area/pass@1"].tolist() == [0.25, 0.25]
    assert made.numbers["a"]["episodes to 0.25"].tolist() == [40, 40]
    assert made.within["area/pass@1"] == (0, 1)
    assert made.numbers["a"]["gain/pass@1"].tolist() == [0.5, 0.5]
    assert made.within["gain/pass@1"] == (-np.inf, np.inf)


def test_a_sweep_is_a_row_an_arm_and_a_column_a_value(tmp_path):
    values = ((0.9, 0.2), (0.5, 0.4), (0.5, 0.6))
    runs = [
        run(tmp_path, "a|", i % 2, share=share, **{"hp.eta": x})
        for i, (x, share) in enumerate(values)
    ]
    results = grid(*runs, run(tmp_path, "b", 0, share=0.3, **{"hp.eta": 0.5, "lr": 1}))
    made = table_of(results)
    (sweep,) = sweeps(results, made)
    lines = over(sweep, made).splitlines()
    assert lines[0] == "| pass@1 by `hp.eta` | `0.5` | `0.9` |"
    assert lines[2].startswith("| `a\\|` | 0.500 [") and lines[2].endswith(
        "(1 of 2 seeds) |"
    )
    assert lines[3] == "| `b, lr=1` | 0.300 (1 of 2 seeds) |  |"


def test_values_of_an_axis_are_numbers_as_they_are_typed(tmp_path):
    """A grid's record has them as text: they are sorted and drawn as numbers."""
    runs = [
        run(tmp_path, "a", 0, share=0.3, **{"optim.lr": x})
        for x in ("1e-3", "1e-4", "3e-4")
    ]
    (sweep,) = sweeps(grid(*runs), table_of(grid(*runs)))
    assert sweep.of_numbers and sweep.values == ("1e-4", "3e-4", "1e-3")
    drawn = figures(grid(*runs), table_of(grid(*runs)), tmp_path / "f", "step")
    assert [one.files[""][0].name for one in drawn][-1] == "sweep_optim_lr.svg"
    words = [run(tmp_path, "b", 0, share=0.3, loss=x) for x in ("nan", "x", True)]
    assert not sweeps(grid(*words), table_of(grid(*words)))[0].of_numbers


def test_latex_prints_what_stands_there():
    assert escaped("a_b & 5 % of $x$ {~^\\}") == (
        "a\\_b \\& 5 \\% of \\$x\\$ \\{\\textasciitilde{}\\textasciicircum{}"
        "\\textbackslash{}\\}"
    )
    assert escaped("[2pt]") == "{}[2pt]"  # behind \\ it would be a length
    assert "\n" not in escaped("a\nb") and "\x1b" not in escaped("\x1b[31m")
    assert escaped("a---`b`") == "a-{}-{}-\\`{}b\\`{}"
    text = tabular(["arm", "x"], [["a-1", "-1.5 [-2, 1]"], ["b", "2"]], "two\nlines")
    assert text.splitlines()[1:] == [
        "% needs \\usepackage{booktabs}",
        "\\begin{tabular}{lr}",
        "\\toprule",
        "arm & x \\\\",
        "\\midrule",
        "a-1 & $-$1.5 [$-$2, 1] \\\\",
        "b & 2 \\\\",
        "\\bottomrule",
        "\\end{tabular}",
    ]
    made = latex(table({"a": {"x": np.array([0.5, 0.6])}}))
    assert made.startswith("% Student's 95 % interval over 2 seeds")
    assert "arm (2 seeds) & x" in made


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs pdflatex")
def test_a_table_compiles(tmp_path):
    """With names of any ASCII, among them those that LaTeX would obey."""
    names = ["$\\frac{_^$", "[2pt] *x*", 'a & b % c # d ~ e ^ f | "g" `h` --- <i>']
    rows = [[name, "-0.5 [-0.7, 0.1]", "0 of 2 seeds"] for name in names]
    (tmp_path / "table.tex").write_text(tabular(["arm", "a_b", "x"], rows, "said"))
    (tmp_path / "main.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs}"
        "\\begin{document}\\input{table}\\end{document}"
    )
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "main"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
    assert "Warning" not in run.stdout and "Overfull" not in run.stdout
