"""Config files by name, and the flags that change what they say."""

import difflib
import importlib.util
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path

from absl import flags
from ml_collections import ConfigDict, config_flags

import rewardlab
from rewardlab.runs.config import name_hyperparameters, use_reward, use_task

PACKAGE = Path(rewardlab.__file__).parent
# Installed, the shipped configs lie in the package; in a clone, in experiments/.
INSTALLED, CLONED = PACKAGE / "configs", PACKAGE.parent / "experiments" / "configs"


def shipped() -> dict[str, Path]:
    """The config files that come with the library, by name."""
    folder = INSTALLED if INSTALLED.is_dir() else CLONED
    files = sorted(folder.glob("[!_]*.py"))
    return {file.stem: file for file in files}


def load_config(name: str) -> ConfigDict:
    """The config that a file's `get_config` makes: `load_config("quickstart:pure")`.

    A file is a shipped one by its name or any by its path, `my.py`; what follows a
    colon is given to `get_config`. The file is Python and is run. Raises `ValueError`
    in one sentence; what goes wrong inside a file of yours comes as it is.
    """
    where, colon, argument = name.partition(":")
    make = _maker(_file(where))
    given = [argument] if colon else []
    try:
        inspect.signature(make).bind(*given)
    except TypeError as error:
        raise ValueError(
            f"get_config of config {where!r} does not go with {name!r}: {error}"
        ) from None
    config = make(*given)
    if not isinstance(config, ConfigDict):
        raise ValueError(
            f"get_config of config {where!r} gave a {type(config).__name__}; return a "
            "ConfigDict, as rewardlab.default_config() makes"
        )
    return config


def _file(where: str) -> Path:
    known = shipped()
    if where in known:
        return known[where]
    if Path(where).is_file():
        return Path(where)
    near = difflib.get_close_matches(Path(where).stem, known, n=1)
    hint = f"did you mean {near[0]!r}; " if near else ""
    raise ValueError(
        f"no config {where!r}; {hint}have {', '.join(known)}, or write the path of a "
        "Python file"
    )


def _maker(file: Path) -> Callable[..., ConfigDict]:
    """The file's `get_config`."""
    spec = importlib.util.spec_from_file_location(f"config_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ValueError(f"config {str(file)!r} is no Python file; name it NAME.py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (SyntaxError, OSError) as error:
        raise ValueError(f"config {str(file)!r} cannot be read: {error}") from None
    if not callable(getattr(module, "get_config", None)):
        raise ValueError(
            f"config {str(file)!r} has no function get_config; write one that returns "
            "a ConfigDict"
        )
    return module.get_config


def override(config: ConfigDict, arguments: Sequence[str]) -> None:
    """Changes a config as flags say: `--config.optim.lr=1e-4`.

    `--config.reward=...` also brings the reward's own `hp`, as in `use_reward`, and
    names in another sentence may be given values: `--config.hp.tau=0.1`;
    `--config.task.name=...` brings the task's own options. Raises
    `ValueError` for flags and keys that do not exist and values of another type.
    """
    task = _value_of("config.task.name", arguments)
    if task is not None and task != config.task.name:
        use_task(config, task)
    reward = _value_of("config.reward", arguments)
    if reward is not None and reward != config.get("reward"):
        use_reward(config, reward)
    for sentence in ("loss", "select", "updates"):
        said = _value_of(f"config.{sentence}", arguments)
        config[sentence] = config[sentence] if said is None else said
    name_hyperparameters(config)  # a name in a sentence is a flag of its own
    values = flags.FlagValues()
    try:
        config_flags.DEFINE_config_dict(
            "config", config, flag_values=values, sys_argv=["", *arguments]
        )
        rest = values(["", *arguments])[1:]
    except (AttributeError, KeyError) as error:
        inner: BaseException = error
        while isinstance(inner.args[0], BaseException):
            inner = inner.args[0]
        said = " ".join(str(inner.args[0]).split())
        raise ValueError(f"unknown config key {said}") from None
    except (flags.Error, TypeError) as error:
        said = " ".join(str(error).split())
        raise ValueError(said[0].lower() + said[1:]) from None
    if rest:
        raise ValueError(f"unknown arguments {' '.join(rest)}; flags begin with --")


def _value_of(flag: str, arguments: Sequence[str]) -> str | None:
    """The last value that a flag is given."""
    found = None
    for i, text in enumerate(arguments):
        name, equals, value = text.lstrip("-").partition("=")
        if text.startswith("-") and name == flag:
            found = value if equals else "".join(arguments[i + 1 : i + 2])
    return found
