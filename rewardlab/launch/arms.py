"""What a grid's flags say: arms, axes and seeds."""

import importlib.util
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rewardlab.methods import METHODS

_NAME = re.compile(r"\w[\w.+-]*")


class Arm(NamedTuple):
    """A reward and the options that its runs alone have."""

    reward: str
    options: tuple[str, ...] = ()


def arms_of(texts: Sequence[str]) -> dict[str, Arm]:
    """The arms by name; `ValueError` for what is none, and for two of one name."""
    arms: dict[str, Arm] = {}
    for text in texts:
        said, *options = re.split(r"\s+(?=--\w)", text.strip(), maxsplit=1)
        match = re.fullmatch(rf"({_NAME.pattern})=(.+)", said, re.DOTALL)
        name, reward = match.groups() if match else (said, said)
        if not match and said not in METHODS:
            raise ValueError(
                f"arm {text!r} is no method; write NAME=SENTENCE, with a name of "
                "letters, digits and . + - _"
            )
        if name in arms:
            raise ValueError(f"two arms are named {name!r}; name one of them otherwise")
        arms[name] = Arm(reward.strip(), tuple(shlex.split(" ".join(options))))
    return arms


def arms_in(file: Path) -> dict[str, Arm]:
    """The arms that a Python file's function `arms` gives, by name.

    Each is a mapping of config keys to values, `reward` among them:

        def arms():
            for eta in (0.5, 0.7):
                yield f"eta{eta}", {"reward": "clip_delta", "hp.eta": eta}

    The file is run: pass only one that you trust.
    """
    spec = importlib.util.spec_from_file_location(f"plan_{file.stem}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise ValueError(f"--plan={file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        found = dict(module.arms())
    except AttributeError:
        raise ValueError(
            f"--plan={file} has no function arms; write one that gives pairs of a name "
            "and a mapping of config keys to values"
        ) from None
    except (SyntaxError, OSError, TypeError, ValueError) as error:
        raise ValueError(f"--plan={file} cannot be read: {error}") from None
    return {str(name): _arm(file, name, said) for name, said in found.items()}


def _arm(file: Path, name: Any, said: Any) -> Arm:
    named = isinstance(name, str) and _NAME.fullmatch(name)
    if not named or not isinstance(said, Mapping) or "reward" not in said:
        raise ValueError(
            f"--plan={file}: arm {name!r} must be a name of letters, digits and . + - "
            "_ with a mapping that has a reward"
        )
    others = {key: x for key, x in said.items() if key != "reward"}
    options = tuple(f"--config.{key}={x}" for key, x in others.items())
    return Arm(str(said["reward"]), options)


def axes_of(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """`hp.eta=0.5,0.7` as a key and its values, for each axis.

    Commas inside brackets or quotes part nothing, so a value may be a sentence.
    """
    axes: dict[str, tuple[str, ...]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        found = tuple(value.strip() for value in _parted(values))
        if not equals or not re.fullmatch(r"[\w.]+", key) or not all(found):
            raise ValueError(
                f"--axis={text} must be KEY=VALUE,VALUE with a key of the config, as "
                "in hp.eta=0.5,0.7"
            )
        if key in axes or len(set(found)) < len(found):
            raise ValueError(f"--axis={text} has something twice; name each once")
        if key in ("seed", "reward"):
            raise ValueError(
                f"--axis={text}: use --{key.replace('reward', 'arm')} here"
            )
        axes[key] = found
    return axes


def _parted(text: str) -> list[str]:
    parts, depth, quote = [""], 0, ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        depth += 0 if quote else (char in "([{") - (char in ")]}")
        if char == "," and not quote and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def seeds_of(text: str) -> tuple[int, ...]:
    """`0,1,2` or `0..2` as numbers, each once; `ValueError` for anything else."""
    seeds: list[int] = []
    for word in text.split(","):
        first, dots, last = word.strip().partition("..")
        ends = [first, last] if dots else [first]
        if not all(end.isascii() and end.isdigit() and len(end) < 12 for end in ends):
            raise ValueError(
                f"--seeds={text} must be whole numbers from 0, as in 0,1,2 or 0..4"
            )
        if dots and not 0 <= int(last) - int(first) < 10_000:
            raise ValueError(f"--seeds={text}: {word} holds no seeds; write 0..4")
        seeds += range(int(first), int(ends[-1]) + 1)
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"--seeds={text} has a seed twice; name each once")
    return tuple(seeds)
