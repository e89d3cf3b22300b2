"""`rewardlab show`: a record written by hand, in the terminal and in a browser."""

import json
import re
import shutil
import subprocess
from html import escape
from pathlib import Path

import pytest
from records import SIGNALS, TOKENS, drawn, line, told, written

from rewardlab.show import page, read_episode

CHROMIUM = shutil.which("chromium")


@pytest.fixture
def run(tmp_path):
    return written(tmp_path)


def test_an_episode_is_read_in_turns(run):
    episode = read_episode(run)
    assert (episode.step, episode.row, episode.unit, episode.peak) == (40, 0, "turn", 4)
    said = [[p.by_policy for p in turn.parts] for turn in episode.turns]
    assert said == [[True, False], [True, False], [True]]
    # turn 1: (2 + 4) / 2; turn 2: (-4 - 0.5) / 2; turn 3: the one that is a number
    assert [t.mean_advantage for t in episode.turns] == [3.0, -2.25, 0.25]
    facts = [{f.name: f.text for f in turn.facts} for turn in episode.turns]
    assert facts == [
        {"prm": "0.5", "gate": "true", "calls": "1", "success": "0 → 0.25"},
        {"prm": "absent", "gate": "true", "calls": "0", "success": "0.25 → 0.125"},
        {"prm": "0.75", "gate": "false", "calls": "2", "success": "0.125 → 1"},
    ]
    assert {f.name: f.text for f in episode.facts} == {
        "reward": "0.75",
        "correct": "1",
        "format": "absent",
        "judge": "time-out",
        "ended_by": "turns",
    }
    assert episode.turns[1].parts[0].tokens[0].facts == {"entropy": "0.5"}
    other = read_episode(run, 1, row=1)  # nobody answered; the peak is row 0's
    assert (other.unit, other.peak) == ("step", 4)


def test_the_terminal_at_80_columns(run, capsys, monkeypatch):
    out = told(capsys, monkeypatch, run, "--step", 40, "--row", 0)
    assert max(map(len, out.splitlines())) <= 80
    for text in ("agent  training step 40  row 0", "reward 0.75", "judge time-out"):
        assert text in out
    assert re.search(r"policy +look\(Ada\)↵ +prm +0\.5\n", out)
    assert re.search(r"policy +<script>f.*prm +absent\n", out)
    assert "environment born 1815 & <b>↵" in out
    assert "1815⟨108⟩" in out  # an end, which has no text
    assert "\x1b" not in out and "\\x1b[31m\\u202e" in out


def test_colours_follow_the_advantage(run, monkeypatch):
    """2 is half of the step's peak of 4: half-way from grey to blue; -4 is orange."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    halfway = ";".join(str(round((184 + c) / 2)) for c in (86, 160, 255))
    out = drawn(read_episode(run), width=120, color_system="truecolor")
    assert f"\x1b[38;2;0;0;0;48;2;{halfway}mlook(" in out
    assert "\x1b[4;38;2;0;0;0;48;2;255;150;40m<script>" in out
    assert "\x1b[3mborn 1815 & <b>↵" in out  # slanted, without a colour
    monkeypatch.setenv("NO_COLOR", "1")
    plain = drawn(read_episode(run), width=120)
    assert "\x1b[4m<script>" in plain and "48;" not in plain


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "no run in nowhere; give the --workdir of a training run"),
        (["empty"], "--config.log.completions_every=10"),
        (["agent", "--step", "2"], "no completions of step 2 in agent; give --step one "
         "of 1, 40"),
        (["agent", "--row", "2"], "step 40 has rows 0 to 1, not 2"),
        (["agent", "--row", "-1"], "step 40 has rows 0 to 1, not -1"),
        (["agent", "--html", "no/a.html"], "no folder no; make it, then try again"),
        (["old"], "no texts of single tokens"),
        (["cut"], "was cut short and is empty"),
    ],
)  # fmt: skip
def test_mistakes_are_one_sentence(run, capsys, monkeypatch, arguments, says):
    monkeypatch.chdir(run.parent)
    (run.parent / "empty").mkdir()
    old = line(0, TOKENS, SIGNALS)
    del old["texts"]
    for name, text in {"old": json.dumps(old) + "\n", "cut": '{"step'}.items():
        (run.parent / name / "completions").mkdir(parents=True)
        (run.parent / name / "completions" / "completions_00001.jsonl").write_text(text)
    with pytest.raises(SystemExit, match="2"):
        told(capsys, monkeypatch, *arguments)
    assert says in " ".join(capsys.readouterr().err.split())


def test_the_page_escapes_and_needs_nothing_else(run, capsys, monkeypatch, tmp_path):
    file = tmp_path / "episode.html"
    told(capsys, monkeypatch, run, "--html", file)
    text = file.read_text(encoding="utf-8")
    assert "&lt;script&gt;f(&#x27;&#x27;)&lt;/script&gt;" in text
    assert "<script" not in text and "<b>" not in text and "\x1b" not in text
    assert not re.search(r"https?:|src=|href=|url\(|@import", text)
    assert 'style="--a:50.0"' in text  # 2 of 4
    title = "token 104\nlogp -0.5\nadvantage -4\nentropy 0.5"
    assert f'title="{title}"' in text
    assert "<dt>prm</dt><dd class=absent>absent</dd>" in text
    # In the table: turn, text, token, logp, advantage, entropy.
    assert "<tr><td>1</td><td>Ada)↵</td><td>101</td><td>-0.125</td><td>+4</td>" in text
    assert "<td>born </td><td>102</td><td></td><td></td><td></td></tr>" in text


MEASURE = Path(__file__).with_name("test_show.js").read_text()


@pytest.mark.skipif(not CHROMIUM, reason="needs chromium: apt-get install chromium")
@pytest.mark.parametrize("dark", [False, True])
def test_in_a_browser(run, tmp_path, dark):
    """On a phone and on a desk: nothing sticks out, all can be read, nothing runs."""
    inner = escape(page(read_episode(run)))
    frames = "".join(
        f'<iframe width="{width}" height="800" style="border:0" srcdoc="{inner}">'
        "</iframe>"
        for width in (390, 1200)
    )
    file = tmp_path / "frames.html"
    file.write_text(f"<script>{MEASURE}</script>{frames}", encoding="utf-8")
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", scheme, "--dump-dom"]
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    done = subprocess.run(
        [CHROMIUM, *flags, profile, file.as_uri()], capture_output=True, timeout=60
    )
    phone, desk = json.loads(
        re.search(r"<body>(.*)</body>", done.stdout.decode(), re.S)[1]
    )
    assert (phone["width"], desk["width"]) == (390, 1200)
    for seen in (phone, desk):
        assert seen["needs"] <= seen["width"]
        assert seen["contrast"] >= 4.5  # WCAG AA
        assert (seen["ground"] < 0.1) is dark
        assert seen["title"].startswith("agent: ") and seen["scripts"] == 0
        assert seen["loaded"] == 0
        assert len(set(seen["colours"][:5])) == 5  # 2, 4, -4, -0.5, 0.25
    assert phone["under"] and not phone["beside"]
    assert desk["beside"] and not desk["under"]
