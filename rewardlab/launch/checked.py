"""Whatever would stop a run of a grid, or the table at its end, found before it."""

import contextlib
import json

import jax

from rewardlab.launch.plan import Grid, Planned, planned
from rewardlab.methods.outside import words_at_hand
from rewardlab.results.numbers import USUAL, bare
from rewardlab.results.reading import label_of
from rewardlab.runs.evaluate import reported
from rewardlab.runs.lanes import refuse_host
from rewardlab.runs.prepare import prepare

SAID = "config workdir config.seed config.reward config.model.init_from".split()


def check(grid: Grid, lanes: int = 1) -> tuple[Grid, list[Planned]]:
    """The grid with the measures that all arms have, where none were asked for, and its
    runs. `ValueError` for whatever would stop one.

    A run of each cell is read and prepared as it will be, on this machine's CPU.
    """
    for said in grid.arms.values():
        for flag in (*grid.options, *said.options):
            name = flag.lstrip("-").partition("=")[0]
            if name in SAID:
                raise ValueError(f"--{name} is said by the grid of each run; remove it")
    runs, seen = planned(grid), dict[tuple[str, str], str]()
    for run in runs:
        label = label_of(run.arm, run.axes)
        same = run.arm, json.dumps(run.record)
        if (other := seen.setdefault(same, label)) != label:
            raise ValueError(f"{label!r} and {other!r} are one config; name it once")
    known = _reported(grid, lanes)
    usual = [m for m in USUAL if all(m in names for names in known.values())]
    measures = grid.measures or tuple(usual)
    for label, names in known.items():
        if grid.reach is not None and "pass@1" not in names:
            raise ValueError(
                f"--reach={grid.reach} is a share of held-out problems solved, and arm "
                f"{label!r} has no signal 'correct' that says which are; leave it out"
            )
        for measure in measures:
            if bare(measure) not in names:
                raise ValueError(
                    f"no held-out number {measure!r} in arm {label!r}; --measure can "
                    f"have {', '.join(names)}"
                )
    return grid._replace(measures=measures), runs


def _reported(grid: Grid, lanes: int) -> dict[str, list[str]]:
    """The held-out numbers of each arm; prepares a run of each cell on the way."""
    seed = grid.seeds[0]
    cells = [(arm, axes, grid.config_of(arm, seed, axes)) for arm, axes in grid.cells()]
    devices = max(config.mesh.devices for *_, config in cells)
    with contextlib.suppress(RuntimeError):  # too late once JAX has looked
        jax.config.update("jax_platforms", "cpu")  # a GPU's memory is for the runs
        jax.config.update("jax_num_cpu_devices", max(devices, 1))
    known: dict[str, list[str]] = {}
    for arm, axes, config in cells:
        config.mesh.devices = config.mesh.devices or 1
        with words_at_hand(config.words):
            run = prepare(config, grid.folder(arm, axes, seed))
            if lanes > 1:
                refuse_host(run.program, run.driver)
            names = reported(run)
        known[arm] = [x for x in known.get(arm, names) if x in names]
    return known
