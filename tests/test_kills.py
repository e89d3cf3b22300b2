"""A short campaign of kills; benchmarks/kills.py is the long one."""

from pathlib import Path

import pytest

from benchmarks.kills import campaign, outcome, start


@pytest.mark.slow
def test_kills_lose_nothing(tmp_path: Path) -> None:
    done = campaign(tmp_path, kills=6, seconds=300)
    assert done["kills"] >= 3 and done["runs that ended equal"] >= 1


@pytest.mark.slow
@pytest.mark.parametrize("at", range(1, 60, 6))
def test_a_kill_at_a_write_loses_nothing(tmp_path: Path, at: int) -> None:
    assert start(tmp_path / "alone").wait() == 0
    assert start(tmp_path / "killed", at).wait() == -9
    assert start(tmp_path / "killed").wait() == 0
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "alone")
