"""Eight virtual CPU devices and float32, before anything imports jax.

Programs are compiled as cheaply as can be: tests compile much and compute little. They
are kept beside pytest's own cache, for the other worker and for the next run.
"""

import gc
import json
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".pytest_cache"
CHEAP = (
    "--xla_force_host_platform_device_count=8",
    "--xla_backend_optimization_level=0",
    "--xla_llvm_disable_expensive_passes=true",
    "--xla_cpu_use_fusion_emitters=false",
    "--xla_cpu_enable_concurrency_optimized_scheduler=false",
    "--xla_cpu_parallel_codegen_split_count=1",
)


def known(flags):
    """The flags that this XLA knows. One that it does not know ends the process, so
    they are tried in another; what came of it is kept for each version."""
    file = CACHE / f"xla_flags_{version('jaxlib')}.json"
    found = json.loads(file.read_text()) if file.exists() else {}
    if not set(flags) <= set(found):
        found = dict.fromkeys(flags, True) if _starts(" ".join(flags)) else {}
        found = found or {flag: _starts(flag) for flag in flags}
        file.parent.mkdir(exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(found))
        part.replace(file)
    return [flag for flag in flags if found[flag]]


def _starts(flags):
    env = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    start = [sys.executable, "-c", "import jax; jax.devices()"]
    return subprocess.run(start, env=env, capture_output=True).returncode == 0


os.environ["XLA_FLAGS"] = " ".join([os.environ.get("XLA_FLAGS", ""), *known(CHEAP)])
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE / "compiled"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

import jax  # noqa: E402
import pytest  # noqa: E402

LONGEST = "laws train golden methods_train train_agents learner".split()
COMPILED, MANY = "/jax/core/compile/backend_compile_duration", 200
_compiled = [0]  # programs since the caches were last cleared


def pytest_configure():
    """Counts what JAX compiles; Ctrl-C interrupts, also where a shell that put the
    tests into the background has it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def count(event, *_, **__):
        _compiled[0] += event == COMPILED

    jax.monitoring.register_event_duration_secs_listener(count)


def pytest_collection_finish():
    """All eight devices are made now, before a run makes those that it asks for.

    What was imported and collected stays; to look through it again and again for
    garbage takes a twentieth of the whole time.
    """
    jax.devices()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_runtest_teardown(item, nextitem):
    """Forgets old programs: each that JAX keeps makes it slower to compile the next.

    The laws share theirs from test to test, so they are kept to the end of that file.
    """
    shared = item.path.stem == "test_laws" == (nextitem and nextitem.path.stem)
    if _compiled[0] > MANY and not shared:
        jax.clear_caches()
        _compiled[0] = 0


def pytest_collection_modifyitems(items):
    """The longest files first, so that workers end together."""
    order = {f"test_{name}": i for i, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


def pytest_report_teststatus(report):
    """A golden case without an adapter, or with another number on purpose, says so."""
    verdict = dict(getattr(report, "user_properties", ())).get("verdict")
    if report.when == "call" and report.passed and verdict:
        return f"golden: {verdict}", verdict[0], verdict.upper()
    return None


def pytest_terminal_summary(terminalreporter):
    """How many golden cases passed, which differ on purpose, which have no adapter."""
    found = {}
    for report in (r for rs in terminalreporter.stats.values() for r in rs):
        facts = dict(getattr(report, "user_properties", ()))
        if getattr(report, "when", "") == "call" and "golden" in facts:
            verdict = facts.get("verdict", report.outcome)
            why = f" ({facts['why']})" if "why" in facts else ""
            found.setdefault(verdict, []).append(facts["golden"] + why)
    if found:
        terminalreporter.section("golden files")
    for verdict, names in sorted(found.items()):
        listed = "" if verdict == "passed" else ": " + ", ".join(sorted(set(names)))
        terminalreporter.line(f"{len(names)} {verdict}{listed}")


@pytest.fixture
def strict_ranks():
    """No silent broadcasting of [N] against [N, T]."""
    with jax.numpy_rank_promotion("raise"):
        yield


@pytest.fixture
def x64():
    """Float64 inside the test."""
    with jax.enable_x64(True):
        yield
