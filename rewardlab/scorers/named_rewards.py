"""Text rewards that a config names, and names that no text reward may have."""

import inspect
import math
from collections.abc import Iterable, Sequence

from rewardlab.data.columns import ASKED, RESERVED
from rewardlab.scorers.text_rewards import SUFFIXES, TextReward

LONGEST = 1_000_000  # seconds
TOLD = ("name", "steps", "time_limit", "stop_on_failure")


def refuse(
    rewards: Sequence[TextReward],
    columns: Iterable[str],
    signals: Iterable[str],
    aliases: Iterable[str] = (),
    episodes: bool = False,
) -> None:
    """`ValueError` for what cannot be asked, and for names that stand for two things.

    `signals` are the task's, `columns` the data's, and `aliases` names that signals are
    given by `config.signals`; `episodes` says that completions are messages.
    """
    given = ["prompts", *(ASKED if episodes else ASKED[:-1])]
    given += [name for name in columns if name not in RESERVED]
    signals = {*signals, "correct"}
    if twice := sorted({*signals, *ASKED}.intersection(columns)):
        raise ValueError(
            f"the data have a column {twice[0]!r}, as something of the run's own is "
            "called; give it another name"
        )
    taken = {name + suffix for name in aliases for suffix in SUFFIXES}
    taken |= {*RESERVED} - {"correct"}  # yours takes the place of the task's
    beside = {name + suffix for name in signals for suffix in SUFFIXES if suffix}
    for reward in rewards:
        _refuse_how(reward)
        _refuse_signature(reward, given)
        own = {reward.name + suffix for suffix in SUFFIXES}
        if twice := sorted(own & taken or {reward.name} & beside):
            raise ValueError(
                f"the text reward {reward.name!r} has a name that is taken: there is "
                f"{twice[0]!r} already; give it another, TextReward(name, function)"
            )
        taken |= own


def _refuse_how(reward: TextReward) -> None:
    """`ValueError` for a reward that nobody can ask."""
    if not isinstance(reward, TextReward):
        raise ValueError(f"{reward!r} is no text reward; write TextReward(name, it)")
    name, function, steps, limit, _ = reward
    if not isinstance(name, str) or not name:
        raise ValueError(f"a text reward is called {name!r}; its name must be text")
    if isinstance(function, type) or not callable(function):
        raise ValueError(
            f"the text reward {name!r} is {function!r}, which is no function; name a "
            "function, or an object that can be called"
        )
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
        raise ValueError(
            f"the text reward {name!r} has steps={steps!r}; write how many steps a "
            "completion has at most, or 0 for a number a completion"
        )
    real = isinstance(limit, int | float) and not isinstance(limit, bool)
    if not real or not (0 < limit <= LONGEST or limit == math.inf):
        raise ValueError(
            f"the text reward {name!r} has time_limit={limit!r}; write seconds a "
            f"batch, above 0 and at most {LONGEST}, or leave it out"
        )


def _refuse_signature(reward: TextReward, given: list[str]) -> None:
    """`ValueError` for a function that cannot take the arguments it will be given."""
    try:
        signature = inspect.signature(reward.function)
    except (TypeError, ValueError):  # some functions of C have none
        return
    try:
        for name, parameter in signature.parameters.items():
            # Python 3.13 binds `f(x, /, **rest)` to x=1, and then cannot call it.
            if parameter.kind is parameter.POSITIONAL_ONLY and name in given:
                raise TypeError(f"{name!r} is given by its name")
        signature.bind(**dict.fromkeys(given))
    except TypeError as error:
        raise ValueError(
            f"the text reward {reward.name!r} cannot be called with "
            f"{', '.join(given)} ({error}); end its arguments with **columns"
        ) from None
