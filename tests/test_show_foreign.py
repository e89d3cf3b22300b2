"""`rewardlab show` and `explain` on files and names that were made to break them."""

import json

import pytest
import rich.console
from records import SIGNALS, TOKENS, drawn, line, told, written

from rewardlab.__main__ import main
from rewardlab.runs.console import Console, Sample
from rewardlab.show import page, read_episode


@pytest.fixture
def run(tmp_path):
    return written(tmp_path)


def broken(**changes):
    """A record with other values; one of "" is taken out."""
    changed = line(0, TOKENS, SIGNALS) | changes
    return json.dumps({k: v for k, v in changed.items() if v != ""})


WRONG = {
    "a line {}": ("{}", "for its 'group' is missing"),
    "not JSON": ('{"row": 0,', "is not JSON"),
    "deep": ("[" * 100_000, "is not JSON"),
    "a list": ("[1, 2]", "another kind of JSON"),
    "null": ("null", "another kind of JSON"),
    "group of HTML": (broken(group="<script>"), "'group' is of a wrong kind"),
    "a token of HTML": (broken(tokens=["<b>"] * 9), "'tokens' is of a wrong kind"),
    "a token too large": (broken(tokens=[10**30] * 9), "'tokens' is of a wrong kind"),
    "a prompt": (broken(prompt=3), "'prompt' is of a wrong kind"),
    "no prompt": (broken(prompt=""), "'prompt' is missing"),
    "a reward": (broken(reward="1"), "'reward' is of a wrong kind"),
    "signals": (broken(signals=[1]), "'signals' is of a wrong kind"),
    "texts": (broken(texts=[1] * 9), "'texts' is of a wrong kind"),
    "a mask": (broken(mask=[1] * 9), "'mask' is of a wrong kind"),
    "steps": (broken(step_of_token=[0.5] * 9), "'step_of_token' is of a wrong kind"),
    "no logp": (broken(logp=""), "'logp' is missing"),
    "lengths": (broken(advantage=[1.0]), "not as long as each other"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_foreign_files_are_one_sentence(run, capsys, monkeypatch, kind):
    """That names the file and the line, whatever stands in it."""
    text, says = WRONG[kind]
    file = run / "completions" / "completions_00041.jsonl"
    good = json.dumps(line(0, TOKENS, SIGNALS))
    file.write_text(f"{good}\n{text}\n")
    with pytest.raises(SystemExit, match="2"):
        told(capsys, monkeypatch, run)
    said = capsys.readouterr()
    assert not said.out
    said = "".join(said.err.split("\n"))  # a path may be broken at the end of a line
    assert says.replace(" ", "") in said.replace(" ", "") and "line2" in said.replace(
        " ", ""
    )


def test_files_that_are_no_text(run):
    """Bytes, a folder, a name that is no number; a byte order mark does no harm."""
    folder = run / "completions"
    (folder / "completions_x.jsonl").write_text("{}")
    assert read_episode(run).step == 40
    file = folder / "completions_00050.jsonl"
    file.write_bytes(b"\xff\xfe\x00\n")
    with pytest.raises(ValueError, match="is not text in UTF-8"):
        read_episode(run)
    file.unlink()
    file.mkdir()
    with pytest.raises(ValueError, match="cannot be read: Is a directory"):
        read_episode(run)
    file.rmdir()
    file.write_text("\ufeff" + broken(prompt="a\u2028b") + "\n", encoding="utf-8")
    assert read_episode(run).prompt == "a\\u2028b"


HOSTILE = "\x1b[31m<b>\u202e\n"


def test_hostile_names_and_values_are_shown_and_not_obeyed(run, tmp_path):
    """In a signal's name, its value, its companions, the prompt and a turn's number."""
    signals = {
        HOSTILE: 1.0,
        "text": HOSTILE,
        f"{HOSTILE}s": [0.5, 1.0, 2.0, 3.0],
        f"t{HOSTILE}": [0.1] * 9,
        "nested": [[1, [2]], {"a": HOSTILE}],
        "ended_by": 77,
        "short": [1.0],
        "short_valid": [],
        "long": "x" * 10_000,
    }
    nan = broken(signals=signals, prompt=HOSTILE, logp=[float("nan")] * 9)
    other = broken(signals={}, advantage=[1e300] * 8 + [None])
    huge = nan.replace("NaN", "1e999", 1).replace("NaN", "-Infinity", 1)
    folder = run.parent / f"run{HOSTILE.strip()}" / "completions"
    folder.mkdir(parents=True)
    file = folder / "completions_00001.jsonl"
    file.write_text(f"{nan}\n{other}\n{huge}\n")
    for row in range(3):
        episode = read_episode(folder.parent, row=row)
        out, text = drawn(episode, no_color=True), page(episode)
        for said in (out, text):
            assert "\x1b[31m" not in said and "\u202e" not in said
        assert "<b>" not in text and "<script" not in text
        if row != 1:
            assert "\\x1b[31m&lt;b&gt;\\u202e" in text and "x" * 300 not in text
            assert "<dd class=applies>77</dd>" in text


@pytest.mark.parametrize(
    "text", ["outcome('\x1b[31m')", "outcome('\u202e')", "\x1b[31m", "grpo\x07"]
)
def test_explain_says_what_it_cannot_show_first(capsys, monkeypatch, text):
    """One sentence on the way for errors, nothing before it, and no escape in it."""
    monkeypatch.setattr("sys.argv", ["rewardlab", "explain", text])
    with pytest.raises(SystemExit, match="2"):
        main()
    said = capsys.readouterr()
    assert not said.out and said.err
    assert not any(sign in said.err for sign in ("\x1b", "\u202e", "\x07"))


def test_samples_of_a_run_are_shown_and_not_obeyed(capsys):
    out = Console(rich.console.Console(no_color=True, width=80))
    out.samples("some", [Sample("1+1=\x1b[2J", "\x1b[31m2\u202e", True)])
    said = capsys.readouterr().out
    assert "\x1b" not in said and "\\x1b[2J" in said and "\\u202e" in said
