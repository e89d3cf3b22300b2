"""One process in a folder; the lock ends with its owner, and not later."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rewardlab.system.lock import only_one, turn

HOLD = """
import os, sys, time
from pathlib import Path
from rewardlab.system.lock import only_one
with only_one(Path(sys.argv[1])):
    if not os.fork():  # as the process of a timed reward; it outlives its parent
        print("held", flush=True)  # so a parent that is killed has a fork that ran
        time.sleep(60)
        os._exit(0)
    time.sleep(60)
"""


def test_the_second_is_refused_and_told_the_pid(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    owner = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert owner.stdout.readline() == "held\n"
        sentence = f"is in use by process {owner.pid}; wait for it"
        with pytest.raises(ValueError, match=sentence), only_one(tmp_path):
            pass
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        with only_one(tmp_path):  # its fork lives, and the lock does not
            assert (tmp_path / ".lock").read_text() == f"{os.getpid()}\n"
    finally:
        os.killpg(owner.pid, signal.SIGKILL)


def test_a_process_excludes_itself_too(tmp_path: Path) -> None:
    with only_one(tmp_path / "new" / "folder"):
        with pytest.raises(ValueError, match=str(os.getpid())):
            with only_one(tmp_path / "new" / "folder"):
                pass
    with only_one(tmp_path / "new" / "folder"):
        pass


def test_a_turn_waits(tmp_path: Path) -> None:
    """Two processes, each alone in the folder for a while."""
    script = (
        "import sys, time; from pathlib import Path; from rewardlab.system.lock import "
    )
    script += "turn\nwith turn(Path(sys.argv[1])):\n    a = time.time()\n    "
    script += "time.sleep(0.2)\n    print(a, time.time())"
    command = [sys.executable, "-c", script, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    spans = sorted([float(x) for x in p.communicate()[0].split()] for p in both)
    assert spans[0][1] <= spans[1][0]


def test_a_folder_that_takes_no_file_needs_no_turn(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    began = time.monotonic()
    with turn(tmp_path / "file" / "folder"):
        pass
    assert time.monotonic() - began < 1
