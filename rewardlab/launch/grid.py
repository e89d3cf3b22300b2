"""`rewardlab grid`: arms, axes and seeds, and the table and picture that they make."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from rewardlab.launch.arms import arms_in, arms_of, axes_of, seeds_of
from rewardlab.launch.board import Board
from rewardlab.launch.checked import check
from rewardlab.launch.children import Stopped
from rewardlab.launch.choice import Choice, add_flags
from rewardlab.launch.dry_run import dry_run
from rewardlab.launch.kept import files_of, found_of, put_aside, write_grid
from rewardlab.launch.plan import Grid, Planned
from rewardlab.results.figures import pictures
from rewardlab.results.numbers import USUAL
from rewardlab.results.reading import read_results
from rewardlab.results.sweeps import over, sweeps
from rewardlab.results.tables import comma_separated, latex, markdown, table_of
from rewardlab.system.files import in_a_sentence, write_whole
from rewardlab.system.lock import holder
from rewardlab.system.printable import one_line

ABOUT = """Runs every arm with every value of its axes and every seed, and compares.

    rewardlab grid --config=quickstart --arm=grpo --arm=pure --seeds=0..4 \\
        --arm="sum=process('prm') | returns_to_go()" \\
        --arm="soft=pure --config.hp.tau=0.5" \\
        --axis optim.lr=1e-4,3e-4 --axis hp.tau=0.1,0.2 \\
        --workdir=runs/hacking -- --config.train.max_steps=100

An arm is the name of a method, or NAME=METHOD or NAME=SENTENCE; options behind it are
of that arm alone, and options behind `--` of every run. An axis of a hyperparameter
(hp.NAME) is one of those arms alone whose sentence has it. Runs of one seed share the
base policy of that seed. The same command again skips what is done, goes on with what
was cut, and does anew what another config has changed since (the old run is put aside
in WORKDIR/replaced). A run that fails is shown with its error and stops no other.
Everything is checked before the first run starts; --dry-run stops there.

    rewardlab grid ... --jobs=4                  four workers on this machine
    rewardlab grid ... --launcher=slurm --jobs=8 --resources=gpus=1,partition=gpu
    rewardlab grid ... --launcher=slurm --collect
    rewardlab grid ... --launcher=ray --jobs=16 --resources=cpus=4
    rewardlab grid ... --launcher=print > commands.txt
"""


def parser() -> argparse.ArgumentParser:
    """The command's flags; what comes after `--` is not among them."""
    made = argparse.ArgumentParser(
        prog="rewardlab grid",
        description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--config", required=True, help="of every run: a name or a path")
    made.add_argument("--arm", action="append", default=[], help="said again for each")
    plan = "a Python file with more arms: its function arms() gives names and options"
    made.add_argument("--plan", help=plan)
    axis = "KEY=VALUE,VALUE of the config, said again for each axis"
    made.add_argument("--axis", action="append", default=[], help=axis)
    made.add_argument("--seeds", default="0,1,2", help="0,1,2 or 0..2; 0,1,2 untold")
    made.add_argument("--workdir", required=True, help="the folder of the grid")
    measures = "held-out numbers, as in eval/NAME; area/NAME is the mean over training"
    measures += ", gain/NAME the last value less the first"
    measures += f"; {','.join(USUAL)} untold"
    made.add_argument("--measure", default="", help=measures)
    reach = "also compare how many episodes bring held-out pass@1 to this"
    made.add_argument("--reach", type=float, help=reach)
    made.add_argument("--question", default="", help="what the grid is to answer")
    add_flags(made)
    dry = "print the runs, what is done of them and what they cost, and stop"
    made.add_argument("--dry-run", action="store_true", help=dry)
    return made


def run(grid: Grid, choice: Choice, dry: bool, out: Console) -> int:
    """Runs what is not done, prints the table and draws the picture; the exit status:
    1 where a run failed."""
    grid, runs = check(grid, choice.lanes)
    choice.refuse(runs)
    found = {run.folder: found_of(run) for run in runs}
    if dry:
        dry_run(grid, runs, found, choice.jobs, out)
        return 0
    for one in runs:
        if found[one.folder].state == "changed":
            there, why = put_aside(one), found[one.folder].why
            said = f"{one.name} is done anew ({why}); the old run is {there}"
            out.print(Text(one_line(said)), soft_wrap=True)
        if pid := holder(one.folder):
            said = f"{one.name} is still done by process {pid}: it is waited for"
            out.print(Text(one_line(said)), soft_wrap=True)
    write_grid(grid, runs)
    done = [one for one in runs if found[one.folder].state == "done"]
    board = Board(runs, done, choice.jobs, out)
    with choice.children.told_to_stop(), board.shown():
        for ended in choice([x for x in runs if x not in done]):
            board.told(ended)
    if choice.children.told:
        raise Stopped(128 + choice.children.told)
    _show(grid, runs, out)
    for one in (x for x in runs if x.folder in board.errors):
        said = f"{one.name} failed: {board.errors[one.folder]} ({one.folder}/log.txt)"
        out.print(Text(one_line(said), "red"), soft_wrap=True)
    return 1 if board.errors else 0


def _show(grid: Grid, runs: Sequence[Planned], out: Console) -> None:
    """The table and the picture of these runs, as far as they are there."""
    names = [one.folder.name for one in runs]
    results = read_results(grid.workdir).of(names)
    if not any(one.rows for one in results.runs):
        return
    numbers = table_of(results, grid.measures, grid.reach)
    swept = [over(sweep, numbers) for sweep in sweeps(results, numbers)]
    text = "\n\n".join([markdown(numbers), *swept])
    table, picture = files_of(grid.workdir, names)
    write_whole(table, text + "\n")
    write_whole(table.with_suffix(".csv"), comma_separated(numbers))
    write_whole(table.with_suffix(".tex"), latex(numbers))
    out.print(Text(text), soft_wrap=True)
    pictures(results, numbers, picture)
    said = f"\nthe table and its curves are {table} and {picture}"
    out.print(Text(said), soft_wrap=True)


def grid_of(said: Sequence[str]) -> Grid:
    """The grid that a command line says.

    `ValueError` for what it cannot say; nothing is read yet but a file of `--plan`.
    """
    args, options = _parsed(said)
    if args.jobs < 1:
        raise ValueError(f"--jobs={args.jobs} must be at least 1")
    if args.reach is not None and not 0 <= args.reach <= 1:
        raise ValueError(f"--reach={args.reach} must be a share from 0 to 1")
    arms, more = arms_of(args.arm), arms_in(Path(args.plan)) if args.plan else {}
    if both := arms.keys() & more.keys():
        raise ValueError(f"--plan={args.plan} has an arm {min(both)!r} of the command")
    if not arms and not more:
        raise ValueError("no --arm to run; name a method, as in --arm=grpo")
    return Grid(
        args.config,
        {**arms, **more},
        seeds_of(args.seeds),
        Path(args.workdir),
        axes_of(args.axis),
        tuple(filter(None, args.measure.split(","))),
        args.reach,
        options,
        args.question,
        tuple(said),
    )


def _parsed(said: Sequence[str]) -> tuple[argparse.Namespace, tuple[str, ...]]:
    """The command's own flags, and what stands behind `--`."""
    cut = said.index("--") if "--" in said else len(said)
    return parser().parse_args(said[:cut]), tuple(said[cut + 1 :])


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; a mistake is one sentence, before any run starts."""
    said = sys.argv[1:] if arguments is None else arguments
    try:
        grid, (args, _) = grid_of(said), _parsed(said)
        # Of commands that are printed the standard output has nothing else.
        out = Console(highlight=False, stderr=args.launcher == "print")
        with in_a_sentence():
            status = run(grid, Choice(args), args.dry_run, out)
    except Stopped as stopped:
        sys.exit(stopped.args[0])
    except (ValueError, RuntimeError) as error:
        sys.exit(f"error: {error}")
    if status:
        sys.exit(status)
