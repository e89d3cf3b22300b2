"""A run's files of completions, written by hand, and how `show` is asked for them."""

import json
import sys

from rich.console import Console

from rewardlab.__main__ import main
from rewardlab.show import terminal

# (text, chosen by the policy, turn, advantage); turns 0 and 1 are answered.
TOKENS = [
    ("look(", True, 0, 2.0),
    ("Ada)\n", True, 0, 4.0),
    ("born ", False, 0, 0.0),
    ("1815 & <b>\n", False, 0, 0.0),
    ("<script>f('')</script>", True, 1, -4.0),
    ("\x1b[31m\u202e", True, 1, -0.5),
    ("no such tool", False, 1, 0.0),
    ("1815", True, 2, 0.25),
    ("", True, 2, None),
]
SIGNALS = {
    "correct": 1.0,
    "format": 0.0,
    "format_valid": False,
    "judge": 0.0,
    "judge_valid": False,
    "judge_error": False,
    "judge_timeout": True,
    # One entry for each of the four turns that there might have been.
    "prm": [0.5, 0.0, 0.75, 0.0],
    "prm_valid": [True, False, True, False],
    "gate": [True, True, False, False],
    "calls": [1.0, 0.0, 2.0, 0.0],  # elsewhere a row's, here a turn's
    "ended_by": 2,
    "success": [0.0, 0.25, 0.125, 1.0, 0.0],  # before each turn and after the last
    "entropy": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
}


def line(row, tokens, signals):
    texts, mask, turns, advantage = map(list, zip(*tokens, strict=True))
    return {
        "step": 40,
        "row": row,
        "group": 0,
        "prompt": "When was Ada born?\nUse tools.",
        "completion": "".join(texts),
        "reward": 0.75,
        "signals": signals,
        "prompt_tokens": [1, 2],
        "texts": texts,
        "tokens": [100 + i for i in range(len(texts))],
        "mask": mask,
        "step_of_token": turns,
        "logp": [-0.125 * i for i in range(len(texts))],
        "advantage": advantage,
    }


def written(tmp_path):
    """A run with two steps, the last with a line that was cut short."""
    folder = tmp_path / "agent" / "completions"
    folder.mkdir(parents=True)
    few = SIGNALS | {"entropy": [0.1, 0.2]}
    rows = [line(0, TOKENS, SIGNALS), line(1, [("4.", True, 0, 1.0)] * 2, few)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "completions_00001.jsonl").write_text(text)
    (folder / "completions_00040.jsonl").write_text(text + '{"step": 40, "ro')
    return tmp_path / "agent"


def told(capsys, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["rewardlab", "show", *map(str, arguments)])
    monkeypatch.setenv("COLUMNS", "80")
    main()
    return capsys.readouterr().out


def drawn(episode, width=80, **how):
    how = {"color_system": "truecolor", **how}  # a style keeps how it was first drawn
    out = Console(width=width, force_terminal=True, highlight=False, **how)
    with out.capture() as capture:
        out.print(terminal(episode))
    return capture.get()
