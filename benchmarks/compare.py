"""Runs both systems in turns, a step each, and prints how many times faster one is.

`python -m benchmarks.compare S --trl-python PATH/bin/python` from this project's
environment. Each process waits while the other steps, so that whatever else the
machine does falls on both alike.
"""

import json
import statistics
import subprocess
import sys

from benchmarks.work import parser


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--trl-python", required=True, help="TRL's interpreter")
    arguments.add_argument("--attention", choices=["sdpa", "eager"], default="sdpa")
    arguments.add_argument("--checkpointing", action="store_true", help="TRL's default")
    args = arguments.parse_args()
    common = [args.shape, "--paced", "--steps", str(args.steps + 1)]
    common += ["--folder", args.folder] if args.folder else []
    theirs = [args.trl_python, "-m", "benchmarks.trl_step", *common]
    theirs += ["--attention", args.attention]
    theirs += ["--checkpointing"] if args.checkpointing else []
    ours = [sys.executable, "-m", "benchmarks.step", *common]
    # The second starts once the first is warm and waits, so that neither compiles while
    # the other steps.
    systems = [_warm(ours), _warm(theirs)]
    times = [[_step(s) for s in systems] for _ in range(args.steps)]
    for system in systems:
        print(json.dumps(_json(system)))
    ratio = statistics.median(trl / ours for ours, trl in times)
    print(json.dumps({"shape": args.shape, "times_faster": round(ratio, 3)}))


def _warm(command: list[str]) -> subprocess.Popen[str]:
    system = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    _step(system)
    return system


def _step(system: subprocess.Popen[str]) -> float:
    """Gives the system its turn; the seconds that its step took."""
    assert system.stdin and system.stdout
    system.stdin.write("\n")
    system.stdin.flush()
    while line := system.stdout.readline():
        try:
            return float(line)
        except ValueError:
            continue  # something else that the system prints
    raise SystemExit("a benchmark ended early; run it alone to see why")


def _json(system: subprocess.Popen[str]) -> dict:
    assert system.stdout
    lines = [line for line in system.stdout if line.startswith("{")]
    system.wait()
    return json.loads(lines[-1])


if __name__ == "__main__":
    main()
