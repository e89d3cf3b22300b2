"""The README's table is METHODS, and its sentences can be run."""

import re
import shlex
from pathlib import Path

import pytest
from pages import workshop as workshop

from rewardlab import build
from rewardlab.launch.configs import load_config, override
from rewardlab.launch.grid import grid_of
from rewardlab.launch.train import parser as train_parser
from rewardlab.methods.outside import words_at_hand
from rewardlab.runs.validate import validate
from rewardlab.show import credit
from rewardlab.show.catalogue import page, short

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_methods_table_is_the_one_that_the_code_prints():
    table = re.search(r"<!-- methods: .*? -->\n(.*?)\n<!-- end", README, re.DOTALL)
    assert table and table[1] == short(), "run python -m rewardlab.show.catalogue"


def test_the_page_of_methods_is_the_one_that_the_code_writes():
    page_ = (ROOT / "docs" / "methods.md").read_text()
    assert page_ == page(), "run python -m rewardlab.show.catalogue"


def test_the_page_of_credit_is_the_one_that_the_code_writes(monkeypatch):
    monkeypatch.chdir(ROOT)  # it quotes docs/audit.md
    page_ = (ROOT / "docs" / "credit.md").read_text()
    assert page_ == credit.page(), "run python -m rewardlab.show.catalogue"


@pytest.mark.parametrize("line", re.findall(r"^\"(outcome.*?)\" +#", README, re.M))
def test_the_sentences_of_the_first_screen_can_be_built(line):
    assert build(line).sentence


def commands():
    """Every `rewardlab train` and `grid` that a page tells a reader to type."""
    pages = [ROOT / "README.md", ROOT / "experiments" / "RESULTS.md"]
    pages += sorted((ROOT / "docs").glob("*.md"))
    for page_ in pages:
        text = page_.read_text().replace("\\\n", " ")
        one = re.search(r'`ONE="(.*?)"`', text, re.DOTALL)
        text = text.replace("$ONE", " ".join(one[1].split()) if one else "")
        for line in re.findall(
            r"(?:^ *|`)rewardlab ((?:train|grid) [^`\n]+)", text, re.M
        ):
            yield shlex.split(line, comments=True)


@pytest.mark.parametrize("command", list(commands()), ids=lambda c: " ".join(c)[:60])
def test_every_command_of_a_page_is_accepted(command, workshop):
    """Read and checked as the command itself does it, on one device."""
    kind, *said = command
    if kind == "train":
        args, rest = train_parser().parse_known_args(said)
        config = load_config(args.config)
        override(config, rest)
        with words_at_hand(config.words):
            return validate(config, devices=1)
    grid = grid_of(said)
    for arm, axes in grid.cells():
        config = grid.config_of(arm, grid.seeds[0], axes)
        with words_at_hand(config.words):
            validate(config, devices=1)
