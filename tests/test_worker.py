"""Workers: runs one after another in a process, and what a death takes along."""

import io
import json
import os
import signal
import sys
import threading
import time

import pytest

from rewardlab.launch import served, train, worker
from rewardlab.launch.worker import REFUSED, Order, Place, Worker
from rewardlab.runs.alike import Kept

# A worker without JAX: it answers with the number that stands in a run's arguments.
FAKE = """
import json, os, signal, sys, time
answers = os.fdopen(int(sys.argv[1]), "w")
for line in sys.stdin:
    status = []
    for order in json.loads(line):
        what, *rest = order["arguments"]
        with open(order["log"], "a") as log:
            print(os.getpid(), what, sys.argv[2], os.environ.get("WHERE"), file=log)
        if what == "kill" or what == "once" and not os.path.exists(rest[0]):
            open(rest[0], "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "wait":
            time.sleep(60)
        status.append(int(what) if what.lstrip("-").isdecimal() else 0)
    spent = what == "once" or REFUSED in status
    print(json.dumps({"status": status, "spent": spent}), file=answers, flush=True)
    if spent: break
"""


@pytest.fixture
def fake(monkeypatch):
    script = FAKE.replace("REFUSED", str(REFUSED))
    monkeypatch.setattr(worker, "COMMAND", (sys.executable, "-c", script))


def pids(log):
    return [line.split()[0] for line in log.read_text().splitlines()]


def test_a_worker_does_one_run_after_another(fake, tmp_path):
    log, mine = tmp_path / "log.txt", Worker(Place((0,), {"WHERE": "here"}))
    assert [mine.run(Order([x], log)) for x in ("0", "1", "0")] == [[0], [1], [0]]
    assert mine.run(Order(["0"], log), Order(["1"], log)) == [0, 1]
    assert mine.close() == 0 and mine.close() == 0
    assert len(set(pids(log))) == 1
    assert log.read_text().splitlines()[1].split()[1:] == ["1", "0", "here"]


def test_a_killed_worker_loses_one_run_which_another_goes_on_with(fake, tmp_path):
    log, mine = tmp_path / "log.txt", Worker()
    assert mine.run(Order(["0"], log)) == [0]
    assert mine.run(Order(["once", str(tmp_path / "was")], log)) == [0]
    first, second, third = pids(log)
    assert first == second != third
    # What kills each worker is not tried for ever.
    assert mine.run(Order(["kill", str(tmp_path / "is")], log)) == [-signal.SIGKILL]
    assert len(pids(log)) == 5
    assert mine.run(Order(["3"], log)) == [3]
    mine.close()


def test_runs_on_other_devices_have_another_worker(fake, tmp_path):
    log, mine = tmp_path / "log.txt", Worker()
    assert mine.run(Order([str(REFUSED)], log)) == [1]
    assert len(set(pids(log))) == 2
    mine.close()


def test_a_worker_that_is_told_to_stop_begins_nothing_more(fake, tmp_path):
    log, mine = tmp_path / "log.txt", Worker()
    thread = threading.Thread(
        target=lambda: (_until(log.exists), mine.stop(signal.SIGTERM))
    )
    thread.start()
    assert mine.run(Order(["wait"], log)) == [128 + signal.SIGTERM]
    thread.join()
    assert mine.run(Order(["0"], log)) == [128 + signal.SIGTERM]
    assert len(pids(log)) == 1


def _until(true):
    while not true():
        time.sleep(0.01)


def answers(monkeypatch, main, *orders):
    """What the process says of orders, where a run is `main(arguments)`."""
    monkeypatch.setattr(train, "main", main)
    monkeypatch.setattr(train, "devices_of", lambda arguments: int(arguments[0]))
    lines = "".join(json.dumps(order) + "\n" for order in orders)
    said = io.StringIO()
    served.serve(io.StringIO(lines), said)
    return [json.loads(line) for line in said.getvalue().splitlines()]


def test_a_run_that_fails_leaves_the_worker_to_others(monkeypatch, tmp_path, capfd):
    ends = {"good": None, "said": SystemExit("error: no"), "two": SystemExit(2)}
    ends |= {"bug": KeyError("x"), "never": None}

    def main(arguments):
        print("doing", arguments[1])
        if end := ends[arguments[1]]:
            raise end

    logs = {name: tmp_path / name for name in ends}
    orders = [[Order(["1", name], log).to_json()] for name, log in logs.items()]
    said = answers(monkeypatch, main, *orders)
    assert [x["status"] for x in said] == [[0], [1], [2], [1]]
    assert [x["spent"] for x in said] == [False, False, False, True]
    assert logs["said"].read_text().endswith("error: no\n")
    assert "KeyError: 'x'" in logs["bug"].read_text()
    assert not logs["never"].exists()
    print("afterwards")
    assert "afterwards" in capfd.readouterr().out


def test_a_stop_and_another_number_of_devices_spend_a_worker(monkeypatch, tmp_path):
    def stopped(arguments):
        raise SystemExit(128 + signal.SIGTERM)

    one, two = ([Order([x, ""], tmp_path / "log").to_json()] for x in ("1", "2"))
    (said,) = answers(monkeypatch, stopped, one, one)
    assert said == {"status": [143], "spent": True}
    first, second = answers(monkeypatch, lambda arguments: None, one, two, one)
    assert first == {"status": [0], "spent": False}
    assert second == {"status": [REFUSED], "spent": True}


def test_a_run_that_asks_python_has_had_the_worker_for_itself(monkeypatch, tmp_path):
    monkeypatch.setattr(served, "programs_kept", lambda: _of(kept))
    kept = Kept()

    def main(arguments):
        kept.alone = True

    order = [Order(["1"], tmp_path / "log").to_json()]
    assert answers(monkeypatch, main, order, order) == [{"status": [0], "spent": True}]


class _of:
    def __init__(self, kept):
        self.kept = kept

    def __enter__(self):
        return self.kept

    def __exit__(self, *error):
        pass


def test_lanes_have_logs_of_their_own(monkeypatch, tmp_path):
    from rewardlab.runs.console import Console

    def main(arguments):
        Console().say(f"this is {arguments[1]}")
        if arguments[1] == "b":
            raise ValueError("it broke")
        if arguments[1] == "c":
            raise SystemExit("error: it was refused")

    order = [Order(["1", x], tmp_path / x).to_json() for x in "abc"]
    (said,) = answers(monkeypatch, main, order)
    assert said == {"status": [0, 1, 1], "spent": True}
    texts = {x: (tmp_path / x).read_text() for x in "abc"}
    assert texts["a"] == "this is a\n" and "it broke" in texts["b"]
    assert texts["c"] == "this is c\nerror: it was refused\n"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="not on this system")
def test_a_worker_keeps_to_its_cores(monkeypatch):
    kept = os.sched_getaffinity(0)
    streams = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    ours, theirs = os.pipe()
    try:
        served.main([str(theirs), str(min(kept))])
        assert os.sched_getaffinity(0) == {min(kept)}
    finally:
        os.sched_setaffinity(0, kept)
        os.close(ours)
