"""What each word made of a completion: in the files, the terminal and the pages."""

import json
import re

import jax
import numpy as np
import pytest
from records import SIGNALS, TOKENS, drawn, line, told, written

import rewardlab
from rewardlab.core.stages import trace, words
from rewardlab.runs.completions import SCHEMA, Worth, completion_lines, texts_of
from rewardlab.runs.sinks import Sinks
from rewardlab.show import page, read_episode, read_step
from rewardlab.show.rows import SORTS, in_order
from rewardlab.testing import ragged
from rewardlab.text.tokenizers import CharTokenizer

SENTENCE = (
    "outcome('correct') | process('prm') | on('prm', delta()) | "
    "weighted_sum(correct=1, prm=0.5) | returns_to_go() | center_by_group() | "
    "broadcast_to_tokens()"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two steps of made-up rollouts, as a run writes them; and what was computed."""
    workdir, made = tmp_path_factory.mktemp("runs") / "agent", {}
    transform = rewardlab.resolve(SENTENCE)
    with Sinks(workdir) as out:
        for step in (1, 2):
            rollout = jax.device_get(ragged(seed=step))
            state = transform.init(rollout)
            channels = jax.device_get(trace(transform)({}, state, rollout))
            (last,) = channels[-1].values()
            named = list(zip(words(transform), channels, strict=True))
            n = len(rollout.group)
            worth = Worth(last.value, np.arange(n) * 0.1, np.arange(n) != 2, named)
            lines = completion_lines(
                rollout, worth, texts_of(rollout, CharTokenizer(""))
            )
            out.write_completions(step, lines)
            made[step] = rollout, named, last
    return workdir, made


def test_what_is_read_is_what_was_computed(run):
    """Every channel after every word, token by token, whatever it was written on."""
    workdir, made = run
    rollout, named, last = made[2]
    kinds = set()
    for row in range(len(rollout.group)):
        episode = read_episode(workdir, 2, row)
        valid = rollout.valid[row]
        want = [(w, c, x) for w, channels in named for c, x in channels.items()]
        assert [(x.word, x.channel) for x in episode.worth] == [
            *[(word, channel) for word, channel, _ in want],
            ("advantage", ""),
        ]
        for found, (_, _, reward) in zip(episode.worth, want, strict=False):
            placed = reward.placed[row][valid]
            values = reward.value[row][valid]
            assert [x is not None for x in found.tokens] == placed.tolist()
            got = [x for x in found.tokens if x is not None]
            assert got == pytest.approx(values[placed].tolist(), rel=1e-6)
            peak = np.abs(np.where(reward.placed, reward.value, 0)).max()
            assert found.peak == pytest.approx(peak)
    for text in (workdir / "completions" / "completions_00002.jsonl").open():
        for stage in json.loads(text)["stages"]:
            kinds |= {x["on"] for x in stage["channels"].values()}
    assert kinds == {"row", "row_tokens", "step", "step_tokens"}


def test_a_turn_says_one_number_several_or_a_range(run):
    """Of an outcome only the last turn; a word says what it changes."""
    episode = read_episode(run[0], 2, 0)
    by_name = {(x.word, x.channel): x for x in episode.worth}
    outcome = by_name["outcome('correct')", "correct"]
    assert not any(cell.text for cell in outcome.turns[:-1])
    assert outcome.turns[-1].text == "0" or outcome.turns[-1].text == "1"
    assert not by_name["process('prm')", "correct"].told
    assert by_name["on('prm', delta())", "prm"].told
    out = drawn(episode, width=120, no_color=True)
    assert all(word in out for word in SENTENCE.split(" | "))
    assert "other completions of the prompt" in out


def test_siblings_and_orders(run):
    step = read_step(run[0], 2)
    rollout = run[1][2][0]
    episode = read_episode(run[0], 2, 5)
    group = [n for n, g in enumerate(rollout.group) if g == rollout.group[5] and n != 5]
    assert [row.row for row in episode.siblings] == group
    assert [row.kept for row in step.rows].index(False) == 2
    mean = [
        np.mean(run[1][2][2].value[n][m]) if m.any() else -np.inf
        for n, m in enumerate(rollout.mask)
    ]
    by = [row.row for row in in_order(step.rows, "advantage")]
    assert [mean[n] for n in by] == pytest.approx(sorted(mean)[::-1], abs=1e-6)
    lengths = [row.length for row in in_order(step.rows, "length")]
    assert lengths == sorted(rollout.mask.sum(axis=1), reverse=True)
    verdicts = [row.verdict for row in in_order(step.rows, "verdict")]
    assert verdicts == sorted(verdicts, key=["right", "wrong", "absent"].index)


def test_a_list_in_the_terminal(run, capsys, monkeypatch):
    out = told(capsys, monkeypatch, run[0], "--list", "reward", "--step", 1)
    rows = [int(found) for found in re.findall(r"^ *(\d+) +\d ", out, re.M)]
    assert rows == list(range(12))[::-1] and "dropped" in out
    with pytest.raises(SystemExit, match="2"):
        told(capsys, monkeypatch, run[0], "--list", "\x1b[31m")
    said = capsys.readouterr().err
    assert "give --list one of ['row', 'advantage'," in said and "\x1b" not in said


def test_pages_lead_to_one_another(run, capsys, monkeypatch, tmp_path):
    """Every link is a page of the folder; every page can be reached from the index."""
    folder = tmp_path / "pages"
    said = told(capsys, monkeypatch, run[0], "--html", folder)
    pages = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}
    assert len(pages) == 1 + 2 * (12 + len(SORTS)) and str(len(pages)) in said
    links = {name: set(re.findall(r'href="(.*?)"', x)) for name, x in pages.items()}
    found, new = {"index.html"}, {"index.html"}
    while new:
        new = set.union(*(links[name] for name in new)) - found
        found |= new
    assert found == set(pages)
    for text in pages.values():
        assert "<script" not in text and not re.search(r"https?:|src=|url\(", text)
    one = pages["step_00001_row_0003.html"]
    keys = dict(re.findall(r'href="([^"]*)" accesskey="(\w)"', one))
    assert keys == {
        "step_00001_row_0002.html": "p",
        "step_00001_row_0004.html": "n",
        "step_00002_by_row.html": "f",
    }
    told(capsys, monkeypatch, run[0], "--html", tmp_path / "one", "--step", 2)
    assert len(list((tmp_path / "one").iterdir())) == 1 + 12 + len(SORTS)


STAGE = {"word": "w", "channels": {"c": {"on": "row", "value": 1.0}}}
WRONG = {
    "stages": [{}, [1], [{"word": 1, "channels": {}}], [{"word": "w"}]],
    "kept": ["yes", 1],
    "schema": ["2", None, 2.0],
}
CHANNELS = [
    {"on": "row"},
    {"on": "moon", "value": 1.0},
    {"on": ["row"], "value": 1.0},
    {"on": "row", "value": "<b>"},
    {"on": "step", "value": 1.0},
    {"on": "token", "value": [1.0]},
]


def broken():
    yield from ((key, value) for key, values in WRONG.items() for value in values)
    for channel in CHANNELS:
        yield "stages", [{"word": "w", "channels": {"c": channel}}]


@pytest.mark.parametrize(("key", "value"), list(broken()))
def test_foreign_stages_are_one_sentence(tmp_path, key, value):
    file = written(tmp_path) / "completions" / "completions_00041.jsonl"
    file.write_text(json.dumps({**line(0, TOKENS, SIGNALS), key: value}) + "\n")
    with pytest.raises(ValueError, match=f"line 1 is no .* '{key}' is of a wrong kind"):
        read_episode(tmp_path / "agent")


def test_files_of_other_versions(tmp_path):
    """Older ones are read, without stages; of a newer one it is said."""
    workdir = written(tmp_path)
    episode = read_episode(workdir)
    assert episode.worth == [] and episode.siblings[0].kept
    assert "after each word" not in drawn(episode)
    file = workdir / "completions" / "completions_00041.jsonl"
    newer = {**line(0, TOKENS, SIGNALS), "schema": SCHEMA + 1}
    file.write_text(json.dumps(newer) + "\n")
    with pytest.raises(ValueError, match=f"is of schema {SCHEMA + 1} and this version"):
        read_episode(workdir)


HOSTILE = "\x1b[31m<b>\u202e\n"


def test_hostile_words_and_steps_are_shown_and_not_obeyed(tmp_path):
    """And numbers for steps and tokens that are not there have no place."""
    stages = [
        {"word": HOSTILE, "channels": {HOSTILE: {"on": "step", "value": []}}},
        {"word": HOSTILE, "channels": {"c": {"on": "step_tokens", "value": [1] * 99}}},
        {"word": "w", "channels": {"c": {"on": "row_tokens", "value": "not finite"}}},
    ]
    one = {**line(0, TOKENS, SIGNALS), "schema": 2, "kept": False, "stages": stages}
    one["step_of_token"] = [-1] * 3 + [5] * 6
    file = written(tmp_path) / "completions" / "completions_00041.jsonl"
    other = {**one, "texts": [HOSTILE] * 9, "stages": [STAGE], "signals": {}}
    file.write_text(json.dumps(one) + "\n" + json.dumps(other) + "\n")
    episode = read_episode(tmp_path / "agent")
    for said in (drawn(episode, no_color=True), page(episode)):
        assert "\x1b[31m" not in said and "\u202e" not in said
        assert "not finite" in said
    assert "<b>" not in page(episode)
