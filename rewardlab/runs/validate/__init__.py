"""What a config may not say; each is refused in one sentence that names the key.

Keys that there are not, values outside of their range, settings that do not go together
or do nothing: all before anything is loaded or compiled.
"""

import difflib

from ml_collections import ConfigDict

from rewardlab.runs.config import default_config
from rewardlab.runs.validate.combinations import impossible
from rewardlab.runs.validate.numbers import RULES, refused, sentence

__all__ = ["RULES", "check_values", "validate"]


def validate(config: ConfigDict, devices: int) -> None:
    """Raises `ValueError`, in one sentence, for a config that cannot or need not run.

    `devices` is how many the run will use.
    """
    check_values(config)
    for problem in impossible(config, devices):
        raise ValueError(problem)


def check_values(config: ConfigDict) -> None:
    """As `validate`, for each key by itself: it is known, and in its range."""
    if not isinstance(config, ConfigDict):
        raise ValueError(
            f"the config is a {type(config).__name__}; change what default_config() or "
            "load_config(NAME) makes"
        )
    task = config.task.get("name", None)
    rule = RULES["task.name"]
    if problem := rule.problem(task):
        raise ValueError(sentence("task.name", task, rule, problem))
    _refuse_unknown_keys(config, default_config(task))
    for problem in refused(config):
        raise ValueError(problem)


def _refuse_unknown_keys(config: ConfigDict, known: ConfigDict, at: str = "") -> None:
    for key in config:
        if key not in known:
            near = difflib.get_close_matches(key, list(known), n=1)
            guess = f"did you mean {at + near[0]!r}" if near else "remove it"
            raise ValueError(f"unknown config key {at + key!r}; {guess}")
        if isinstance(known[key], ConfigDict) and key != "hp":
            if not isinstance(config[key], ConfigDict):
                raise ValueError(f"{at}{key}={config[key]!r} must be a group of keys")
            _refuse_unknown_keys(config[key], known[key], f"{at}{key}.")
        elif isinstance(config[key], ConfigDict) and key != "hp":
            raise ValueError(
                f"{at}{key}={{...}} must be a value, and is a group of keys"
            )
    for key in known:
        if key not in config:
            raise ValueError(f"missing config key {at + key!r}; see default_config()")
