"""Functions in worker processes that hang, crash and eat memory; and mathematics."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest
from scored import made, written

from rewardlab.scorers import maths
from rewardlab.system import pool as pools
from rewardlab.system.answers import Failure
from rewardlab.system.pool import Pool, Work

FILE = """
import os, time

def asked(what, value=None):
    print("this is no answer")
    if what == "hang":
        pow(9, 9 ** 10)  # in C, with Python's lock held
    if what == "sleep":
        time.sleep(60)
    if what == "end":
        os._exit(3)
    if what == "eat":
        return len(bytearray(8 << 30))
    if what == "fail":
        raise KeyError("x")
    return os.getpid() if what == "pid" else value
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("pool") / "asked.py"
    path.write_text(FILE)
    return path


@pytest.fixture(scope="module")
def pool(file):
    pool = Pool(Work(file, "asked", limit=0.5, megabytes=1024), size=2)
    yield pool
    pool.close()


def test_answers_come_in_the_order_of_the_questions(pool):
    assert pool.ask([]) == []
    assert pool.ask([("echo", i) for i in range(50)]) == list(range(50))
    assert pool.ask([("echo", [1.5, "ü\n", None])]) == [[1.5, "ü\n", None]]


def test_what_hangs_crashes_or_fails_is_told_apart_and_stops_nobody(pool):
    cases = ["hang", "echo", "end", "fail", "sleep", "eat", "echo"]
    began = time.monotonic()
    answers = pool.ask([(what, 1) for what in cases])
    assert time.monotonic() - began < 20
    assert answers[1] == answers[6] == 1
    late = [isinstance(x, Failure) and x.timed_out for x in answers]
    assert late == [True, False, False, False, True, False, False]
    assert answers[0].reason == "it took more than 0.5 s"
    assert answers[2].reason == "its process ended"
    assert answers[3].reason == "KeyError: 'x'"
    assert "MemoryError" in answers[5].reason


def test_a_worker_is_replaced_after_some_questions(file):
    pool = Pool(Work(file, "asked", limit=5.0, questions=3), size=1)
    first, second = (pool.ask([("pid",)] * 3) for _ in range(2))
    assert len(set(first)) == len(set(second)) == 1 and first != second
    with pytest.raises(ProcessLookupError):
        os.kill(first[0], 0)
    pool.close()


def test_a_worker_that_does_not_start_is_an_answer(tmp_path):
    (tmp_path / "broken.py").write_text("import no_such_module")
    pool = Pool(Work(tmp_path / "broken.py", "asked", limit=1.0), size=1)
    assert (
        pool.ask([(1,), (2,)])
        == [Failure(False, "its process cannot be asked: it does not start")] * 2
    )


def test_workers_end_by_themselves(file):
    """When their questions end, and at the limit, with nobody there to kill them."""
    how = [sys.executable, "-P", str(pools._WORKER), str(file), "asked", "0.5", "512"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    idle = subprocess.Popen(how, **pipes)
    assert idle.communicate(timeout=20)[0] == b"ready\n" and idle.returncode == 0
    busy = subprocess.Popen(how, **pipes)
    busy.stdin.write(b'["hang"]\n')
    busy.stdin.flush()
    assert busy.wait(timeout=20) < 0


CASES = [
    (r"so it is \boxed{\frac{2}{4}}", "0.5", 1),
    ("the answer is 7", "7", 1),
    ("the answer is 8", "7", 0),
    (r"$\{2, 1\}$", r"\{1, 2\}", 1),
    (r"$x = \sqrt{8}$", r"$2\sqrt{2}$", 1),
    ("nothing to read", "7", 0),
    ("7", r"\\", "error"),
    ("9**9**9**9", "7", "timeout"),
]


def test_mathematics_is_compared_and_what_hangs_is_a_time_out():
    maker = maths.maths("truth", time_limit=2.0)
    texts, truths, wanted = zip(*CASES, strict=True)
    rollout = written(texts, range(len(CASES)))
    found = made(maker, rollout, truth=list(truths))
    maths.pool_of(2.0).close()
    numbers = [0 if isinstance(x, str) else x for x in wanted]
    np.testing.assert_array_equal(found["correct"], numbers)
    valid = [not isinstance(x, str) for x in wanted]
    np.testing.assert_array_equal(found["correct_valid"], valid)
    for kind in ("error", "timeout"):
        np.testing.assert_array_equal(
            found[f"correct_{kind}"], [x == kind for x in wanted]
        )


def test_without_math_verify_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(maths.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'rewardlab\[maths\]'"):
        maths.maths("answer")
