"""`rewardlab train`: one run, as a config file and flags say."""

import argparse
import sys
from collections.abc import Sequence

import absl.logging
from ml_collections import ConfigDict

from rewardlab.launch.configs import load_config, override, shipped
from rewardlab.launch.together import add_flags, together
from rewardlab.runs.training import train

ALARMED = 3  # the exit status of a run that is done and has an alarm of train.fail_on

ABOUT = """Trains as a config file says and writes everything to a folder.

    rewardlab train --config=quickstart --workdir=runs/quickstart
    rewardlab train --config=quickstart:pure --config.hp.tau=0.2 --workdir=runs/pure
    rewardlab train --config=my.py --config.reward="outcome('correct') | ..."

Every key of the config is a flag: --config.optim.lr=1e-4. The config file is Python
and is run. Shipped configs: {shipped}.
"""


def parser() -> argparse.ArgumentParser:
    """The command's own flags; those of the config are read by `override`."""
    made = argparse.ArgumentParser(
        prog="rewardlab train",
        description=ABOUT.format(shipped=", ".join(shipped())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--config", required=True, help="NAME, NAME:REWARD or a path")
    made.add_argument("--workdir", required=True, help="the folder that the run writes")
    made.add_argument(
        "--resume",
        default="auto",
        help="auto: go on if there is a checkpoint; never; or a run's path",
    )
    add_flags(made)
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs, and ends with one sentence where the run is refused."""
    absl.logging.set_verbosity("warning")  # JAX tells of every backend it lacks
    args, rest = parser().parse_known_args(arguments)
    try:
        with together(args):
            _train(args, rest)
    except (ValueError, FloatingPointError) as error:
        sys.exit(f"error: {error}")


def _train(args: argparse.Namespace, rest: Sequence[str]) -> None:
    config = _config_of(args, rest)
    result = train(config, args.workdir, args.resume)
    asked = config.train.fail_on
    found = [x.name for x in result.alarms if x.name in asked or "any" in asked]
    if found:
        print(f"error: train.fail_on has {', '.join(found)}", file=sys.stderr)
        sys.exit(ALARMED)


def devices_of(arguments: Sequence[str]) -> int:
    """How many devices a run asks for; `ValueError` for a config that is none."""
    return _config_of(*parser().parse_known_args(arguments)).mesh.devices


def _config_of(args: argparse.Namespace, rest: Sequence[str]) -> ConfigDict:
    config = load_config(args.config)
    override(config, rest)
    return config


if __name__ == "__main__":
    main()
