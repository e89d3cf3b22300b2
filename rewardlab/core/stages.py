"""What each word of a sentence leaves behind: channels after it, and named state."""

import collections
from collections.abc import Callable, Iterator
from typing import Any

from rewardlab.core.signals.holes import abstaining
from rewardlab.core.types import Channels, RewardTransform, Rollout

_AROUND = ("on", "gate")  # words whose state is that of the word inside


def words(transform: RewardTransform) -> tuple[str, ...]:
    """What stands between the pipes of its sentence, in order."""
    return tuple(part.sentence for part in transform.parts or (transform,))


def trace(
    transform: RewardTransform,
) -> Callable[[Channels, Any, Rollout], tuple[Channels, ...]]:
    """The channels after each of `words(transform)`, from the state before the update.

    `trace(t)({}, state, rollout)[-1]` is `t.update({}, state, rollout)[0]`. A word with
    words inside, as `on('prm', delta())` or `weighted_sum(...)`, is one stage.
    """

    def stages(rewards: Channels, state: Any, rollout: Rollout) -> tuple[Channels, ...]:
        rollout, found = abstaining(rollout), []
        for part, own in _parts(transform, state):
            rewards, _ = part.update(rewards, own, rollout)
            found.append(rewards)
        return tuple(found)

    return stages


def made(stages: tuple[Channels, ...]) -> Channels:
    """The channels that sources made, each as it came, from what `trace` gives.

    A source adds channels and leaves those before it as they are; a copy of one that is
    there is none. Looks at which rewards are the same object: within one trace only.
    """
    found: Channels = {}
    before: Channels = {}
    for after in stages:
        if all(after.get(name) is reward for name, reward in before.items()):
            old = {id(reward) for reward in before.values()}
            new = {k: x for k, x in after.items() if k not in before}
            found |= {k: x for k, x in new.items() if id(x) not in old}
        before = after
    return found


def named_state(transform: RewardTransform, state: Any) -> dict[str, Any]:
    """The state of each word under its name: `{"adaptive_kl_penalty": ...}`.

    A word that stands more than once has a number behind it from the second on.
    """
    found: dict[str, Any] = {}
    seen: collections.Counter[str] = collections.Counter()
    for part, own in _parts(transform, state):
        word = _word(part)
        seen[word] += 1
        found[f"{word}_{seen[word]}" if seen[word] > 1 else word] = own
    return found


def _parts(
    transform: RewardTransform, state: Any
) -> Iterator[tuple[RewardTransform, Any]]:
    if not transform.parts:
        yield transform, state
        return
    yield from zip(transform.parts, state, strict=True)


def _word(part: RewardTransform) -> str:
    words = part.tree.words if part.tree else ()
    names = (tree.word.rpartition(":")[2] for tree in words)
    return next((name for name in names if name not in _AROUND), "transform")
