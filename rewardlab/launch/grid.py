"""`rewardlab grid`: arms times seeds, and the table and picture that they make."""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from rewardlab.launch.children import Children, Stopped
from rewardlab.launch.plan import (
    USUAL,
    Grid,
    arms_of,
    base_of,
    began_from,
    check,
    seeds_of,
)
from rewardlab.launch.table import draw, files_of, measured, report
from rewardlab.models.shapes import has_weights
from rewardlab.system.files import in_a_sentence, write_whole

ABOUT = """Runs every arm with every seed and compares them.

    rewardlab grid --config=quickstart --arm=grpo --arm=pure --seeds=0,1,2 \\
        --arm="sum=process('prm') | returns_to_go()" \\
        --arm="soft=pure --config.hp.tau=0.5" \\
        --workdir=runs/hacking -- --config.train.max_steps=100

An arm is the name of a method, or NAME=METHOD or NAME=SENTENCE; options behind it are
of that arm alone, and options behind `--` of every run. Runs of one seed share the base
policy of that seed. A run that is complete is not done again, so the same command goes
on with a grid that was stopped. Everything is checked before the first run starts.
"""


def run_seed(grid: Grid, seed: int, children: Children, logs: bool) -> None:
    """Every arm with one seed, one after the other.

    The first does the warm-up that the others begin from, unless their own options ask
    for another. `RuntimeError` for a run that fails.
    """
    first = next(iter(grid.arms))
    config = grid.config_of(first, seed)
    base = None if has_weights(config.model.name) else base_of(config)
    for arm in grid.arms:
        folder, arguments = grid.folder(arm, seed), grid.arguments(arm, seed)
        shares = arm != first and base_of(grid.config_of(arm, seed)) == base
        usual = str(grid.folder(first, seed)) if shares else ""
        if begun := began_from(folder, usual):
            arguments.append(f"--config.model.init_from={begun}")
        print(f"{arm}, seed {seed}", flush=True)
        log = folder / "log.txt" if logs else None
        folder.mkdir(parents=True, exist_ok=True)
        if status := children.run(arguments, log):
            where = f"; {log} says why" if log else ""
            raise RuntimeError(
                f"the run of {arm} with seed {seed} ended with status {status}{where}; "
                "the same command goes on with what is left"
            )


def parser() -> argparse.ArgumentParser:
    """The command's flags; what comes after `--` is not among them."""
    made = argparse.ArgumentParser(
        prog="rewardlab grid",
        description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--config", required=True, help="of every run: a name or a path")
    made.add_argument(
        "--arm", action="append", required=True, help="said again for each"
    )
    made.add_argument("--seeds", default="0,1,2", help="a run of each arm for each")
    made.add_argument("--workdir", required=True, help="the folder of the grid")
    measures = f"held-out numbers, as in eval/NAME; {','.join(USUAL)} untold"
    made.add_argument("--measure", default="", help=measures)
    reach = "also compare how many episodes bring held-out pass@1 to this"
    made.add_argument("--reach", type=float, help=reach)
    made.add_argument("--jobs", type=int, default=1, help="runs at a time")
    return made


def run(grid: Grid, jobs: int) -> None:
    """Runs what is not done, then prints the table and draws the picture."""
    children = Children(jobs)
    with children.told_to_stop(), ThreadPoolExecutor(jobs) as pool:
        work = [
            pool.submit(run_seed, grid, seed, children, jobs > 1) for seed in grid.seeds
        ]
        wait(work)
    for done in work:
        done.result()
    folders = {
        arm: [grid.folder(arm, seed) for seed in grid.seeds] for arm in grid.arms
    }
    text = report(measured(folders, grid.measures, grid.reach))
    names = [folder.name for runs in folders.values() for folder in runs]
    table, picture = files_of(grid.workdir, names)
    write_whole(table, text + "\n")
    print(text)
    draw(folders, grid.measures, picture)
    print(f"\nthe table and its curves are {table} and {picture}")


def grid_of(said: Sequence[str]) -> tuple[Grid, int]:
    """The grid that a command line says, and how many runs go on at a time.

    `ValueError` for what it cannot say; nothing is read yet.
    """
    cut = said.index("--") if "--" in said else len(said)
    args = parser().parse_args(said[:cut])
    if args.jobs < 1:
        raise ValueError(f"--jobs={args.jobs} must be at least 1")
    if args.reach is not None and not 0 <= args.reach <= 1:
        raise ValueError(f"--reach={args.reach} must be a share from 0 to 1")
    grid = Grid(
        args.config,
        arms_of(args.arm),
        seeds_of(args.seeds),
        Path(args.workdir),
        tuple(filter(None, args.measure.split(","))),
        args.reach,
        tuple(said[cut + 1 :]),
    )
    return grid, args.jobs


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; a mistake is one sentence, before any run starts."""
    try:
        grid, jobs = grid_of(sys.argv[1:] if arguments is None else arguments)
        with in_a_sentence():
            run(check(grid), jobs)
    except Stopped as stopped:
        sys.exit(stopped.args[0])
    except (ValueError, RuntimeError) as error:
        sys.exit(f"error: {error}")
