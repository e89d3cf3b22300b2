"""Trains as a config file says.

    python -m experiments.train --config=experiments/configs/quickstart.py \
        --workdir=runs/quickstart [--config.reward="..."] [--resume=auto|never|PATH]
"""

import sys

import absl.logging
from absl import app, flags
from ml_collections import config_flags

from rewardlab.training import train

CONFIG = config_flags.DEFINE_config_file("config", help_string="the config file")
WORKDIR = flags.DEFINE_string("workdir", "", "the folder that the run writes to")
RESUME = flags.DEFINE_string(
    "resume", "auto", "auto: go on if there is a checkpoint; never; or a run's path"
)


def main(argv: list[str]) -> None:
    """Runs, and ends with one sentence where the run is refused."""
    absl.logging.set_verbosity("warning")  # JAX tells of every backend it lacks
    if argv[1:]:
        raise app.UsageError(f"unknown arguments {argv[1:]}")
    if not WORKDIR.value:
        raise app.UsageError("--workdir=FOLDER says where the run is to be written")
    try:
        train(CONFIG.value, WORKDIR.value, RESUME.value)
    except (ValueError, FloatingPointError) as error:
        sys.exit(f"error: {error}")


def parse(argv: list[str]) -> list[str]:
    """Reads the command line; a config key that does not exist is one sentence."""
    try:
        return app.parse_flags_with_usage(argv)
    except (AttributeError, KeyError) as error:
        inner: BaseException = error
        while isinstance(inner.args[0], BaseException):
            inner = inner.args[0]
        sys.exit(f"error: unknown config key {' '.join(str(inner.args[0]).split())}")


if __name__ == "__main__":
    flags.mark_flag_as_required("config")
    app.run(main, flags_parser=parse)
