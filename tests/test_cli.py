"""`rewardlab methods` and `rewardlab explain`, as a person sees them."""

import subprocess
import sys

import numpy as np
import pytest

from rewardlab import METHODS
from rewardlab.__main__ import main
from rewardlab.core.signals import SIGNALS
from rewardlab.methods import resolve
from rewardlab.show.explain import at_work, example, words


def shown(capsys, monkeypatch, *arguments, width=100):
    monkeypatch.setattr(sys, "argv", ["rewardlab", *arguments])
    monkeypatch.setenv("COLUMNS", str(width))
    main()
    return capsys.readouterr().out


def refused(capsys, monkeypatch, *arguments):
    with pytest.raises(SystemExit, match="2"):
        shown(capsys, monkeypatch, *arguments)
    return " ".join(capsys.readouterr().err.split())


def test_methods_are_listed_by_idea(capsys, monkeypatch):
    out = shown(capsys, monkeypatch, "methods", width=200)
    assert f"{len(METHODS)} methods" in out
    assert all(name in out for name in METHODS)


def test_words_choose_rows(capsys, monkeypatch):
    out = shown(capsys, monkeypatch, "methods", "SOFTMIN", "worst")
    assert "pure_verl" in out and "rloo" not in out and "3 methods" in out


def test_a_word_that_no_row_has(capsys, monkeypatch):
    said = refused(capsys, monkeypatch, "methods", "zebra")
    assert said == "no method with the words ['zebra']; try fewer of them"


def test_explain_shows_the_words_and_the_numbers(capsys, monkeypatch):
    """Leave-one-out in the first group; its rows differ, its tokens do not."""
    out = shown(capsys, monkeypatch, "explain", "rloo")
    assert "2402.14740" in out and "center_by_group(leave_one_out=True)" in out
    correct = np.asarray(example(resolve("rloo")).signals["correct"][:4], float)
    for i, own in enumerate(correct):
        others = (correct.sum() - own) / 3
        assert f"{own - others:.2f}" in out.replace("-0.00", "0.00"), i


def test_explain_says_which_rows_are_learned_from(capsys, monkeypatch):
    out = shown(capsys, monkeypatch, "explain", "ttrl")
    assert "learns   from keep_first(share=0.5)" in out


def test_explain_takes_a_sentence_and_hyperparameters(capsys, monkeypatch):
    text = "process('prm') | softmin_credit(temperature=t) | returns_to_go()"
    out = shown(capsys, monkeypatch, "explain", text, "t=0.5")
    assert "temperature=0.5" in out and "advantage" in out


def test_explain_says_who_makes_what(capsys, monkeypatch):
    out = shown(capsys, monkeypatch, "explain", "gae")
    assert "signals in a run of task.name='arithmetic'" in out
    rows = [" ".join(line.split()) for line in out.splitlines()]
    at = [next(i for i, row in enumerate(rows) if row.startswith(x)) for x in ORDER]
    assert at == sorted(at)
    out = shown(capsys, monkeypatch, "explain", "krc", "--task", "search")
    assert "it cannot run as it is" in out and "task.name='search'" in out


ORDER = ("task correct (reward)", "sampler hidden (scorer critic)", "critic value")


def test_explain_makes_a_picture(capsys, monkeypatch, tmp_path):
    picture = tmp_path / "grpo.svg"
    shown(capsys, monkeypatch, "explain", "grpo", "--svg", str(picture))
    assert picture.read_text().startswith("<svg") and "advantage" in picture.read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("zebra",), "no method 'zebra'"),
        (("outcome('zebra') | center_by_group()",), "no example of the signals"),
        (("pure", "tau"), "'tau' is not a hyperparameter; write tau=0.1"),
        (("pure", "tau=x"), "'x' is not a number"),
        (("pure", "--svg", "/dev/null/x.svg"), "/dev/null/x.svg cannot be written or"),
    ],
)
def test_mistakes_are_one_sentence(capsys, monkeypatch, arguments, says):
    assert says in refused(capsys, monkeypatch, "explain", *arguments)


@pytest.mark.parametrize("name", ["gae", "brpo", "derl", "kimi_length"])
def test_every_kind_of_row_can_be_shown(name):
    """A critic, several channels, a formula, a copy: all have an example."""
    transform = METHODS[name].build()
    assert words(transform) and at_work(transform)


def test_the_signals_are_those_that_methods_read():
    """Each has a description; none is left from a row that is gone."""
    read = {name for method in METHODS.values() for name in method.reads}
    assert read == set(SIGNALS)
    assert all(signal.says for signal in SIGNALS.values())


def test_an_unknown_key_on_the_command_line_is_one_sentence(tmp_path):
    config = "--config=experiments/configs/quickstart.py"
    command = [sys.executable, "-m", "experiments.train", config]
    command += [f"--workdir={tmp_path}", "--config.rollout.num_generation=4"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: unknown config key 'num_generation'")
    assert 'Did you mean "num_generations"' in last and "Traceback" not in done.stderr
