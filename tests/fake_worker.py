"""A worker without JAX: what it is told to run is a script."""

import sys

WORKER = """
import json, os, subprocess, sys
answers = os.fdopen(int(sys.argv[1]), "w")
for line in sys.stdin:
    orders, status = json.loads(line), []
    for order in orders:
        with open(order["log"], "a") as log:
            command = [sys.executable, "-c", SCRIPT, *order["arguments"]]
            env = {**os.environ, "WORKER": str(os.getpid()), "LANES": str(len(orders))}
            done = subprocess.run(command, stdout=log, stderr=log, env=env)
            status.append(done.returncode)
    print(json.dumps({"status": status, "spent": False}), file=answers, flush=True)
"""


def doing(script):
    """The command of such a worker; the script has the arguments of a run."""
    return (sys.executable, "-c", f"SCRIPT = {script!r}\n{WORKER}")
