"""A sentence as a function of arrays that keeps the state of its words."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from rewardlab.adapters.arrays import like, numbered, span, to_numpy, turns, widened
from rewardlab.core.compose import estimator
from rewardlab.core.shapes import check_rollout
from rewardlab.core.signals import SIGNALS, made
from rewardlab.core.signals.holes import abstaining, refuse_nan
from rewardlab.core.types import RewardTransform, Rollout
from rewardlab.methods import reads, resolve

NARROWEST = 16  # tokens: rows are padded to this, 32, 64, ..., for one program each


class Rows(NamedTuple):
    """N completions, as a trainer has them: padded on the left, the right, or between.

    Only `mask` must be there. `group` are ids of any kind, one a row: rows of equal ids
    answer the same prompt; without it all do. `step` [N, T] counts the steps of a row
    from 0: without it a step is a turn, which begins where the policy begins to write.
    `valid` is True on what is no padding: without it on all that lies between the first
    and the last token of the policy. `logp` are nats under the sampling policy.
    """

    mask: Any  # [N, T], True: the policy chose this token
    group: Any = None  # [N]
    step: Any = None  # [N, T]
    valid: Any = None  # [N, T]
    logp: Any = None  # [N, T]
    tokens: Any = None  # [N, T]


class Advantage:
    """The advantages that a sentence, a method's name or a transform makes of rows.

    advantage = Advantage("rloo")
    advantage(Rows(mask, group=["a", "a", "b", "b"]), {"correct": [1, 0, 1, 1]})

    Signals are [N], [N, steps] or [N, T], lists of lists with None among them too;
    `name_valid` says where `name` abstains. What comes back is float32 [N, T], 0 where
    `mask` is False; of torch if the mask is. The state of stateful words, and the clock
    of schedules, go on from call to call.
    """

    def __init__(self, sentence: str | RewardTransform, **hp: Any) -> None:
        """`hp` are values of bare names; `ValueError` for what is no sentence."""
        if isinstance(sentence, str):
            sentence = resolve(sentence, **hp)
        self.transform: RewardTransform = sentence
        self.reads = tuple(sorted(reads(self.transform)))
        self.calls = 0  # that were learned from
        self._estimator = estimator(self.transform)
        self._update = jax.jit(lambda s, r: self._estimator.update({}, s, r))
        self._state: Any = None
        self._saved: list[np.ndarray] | None = None

    def __call__(
        self, rows: Rows, signals: Mapping[str, Any], learn: bool = True
    ) -> Any:
        """The advantage of each token. Without `learn`, as in evaluation, the state and
        the clock stay. `ValueError`, in one sentence, for what does not fit."""
        rollout, order = _rollout(rows, signals, self.calls)
        with jax.default_device(jax.local_devices(backend="cpu")[0]):
            state = self._state_for(rollout)
            refuse_nan(abstaining(rollout), set(self.reads))
            advantage, after = self._update(state, rollout)
        found = np.asarray(advantage)[:, : order.shape[1]]
        if not np.isfinite(found).all():
            raise ValueError(
                f"{self.transform.sentence} gives advantages that are not finite; does "
                "it read log-probs or a signal that are missing or too large?"
            )
        if learn:
            self._state, self.calls = after, self.calls + 1
        whole = np.zeros(found.shape, np.float32)
        np.put_along_axis(whole, order, found.astype(np.float32), axis=1)
        return like(whole, rows.mask)

    def state_dict(self) -> dict[str, np.ndarray]:
        """What to keep in a checkpoint: arrays by name, as `np.savez` takes them."""
        leaves = self._saved or jax.tree.leaves(self._state)
        saved = {f"state_{i}": np.asarray(x) for i, x in enumerate(leaves)}
        return {"calls": np.asarray(self.calls), **saved}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Goes on from what `state_dict` gave; the sentence must be the same."""
        count = sum(name.startswith("state_") for name in saved)
        self.calls = int(saved["calls"])
        self._state = None
        self._saved = [np.asarray(saved[f"state_{i}"]) for i in range(count)]

    def _state_for(self, rollout: Rollout) -> Any:
        check_rollout(rollout)
        if self._state is not None:
            return self._state
        state = self._estimator.init(rollout)  # also refuses what cannot be read
        if not self._saved:
            return state
        leaves, shape = jax.tree.flatten(state)
        if [np.shape(x) for x in leaves] != [x.shape for x in self._saved]:
            raise ValueError(
                "the state that was saved is that of another sentence; load one of "
                f"{self.transform.sentence}"
            )
        return jax.tree.unflatten(shape, self._saved)


def _rollout(
    rows: Rows, signals: Mapping[str, Any], calls: int
) -> tuple[Rollout, Int[np.ndarray, "N T"]]:
    """The rows without gaps, and where each token came from."""
    mask = to_numpy(rows.mask).astype(bool)
    if mask.ndim != 2 or not mask.size:
        raise ValueError(f"the mask has shape {mask.shape}; give it [rows, tokens]")
    valid = _tokens("valid", rows.valid, mask.shape)
    valid = span(mask) if valid is None else valid.astype(bool) | mask
    order = np.argsort(~valid, axis=1, kind="stable")
    width = max(NARROWEST, 1 << (mask.shape[1] - 1).bit_length())

    def packed(x: np.ndarray, fill: Any) -> np.ndarray:
        if x.shape != mask.shape:  # of steps, under a name that nobody knows
            return x
        x = np.where(valid, x, np.asarray(fill, x.dtype))
        return widened(np.take_along_axis(x, order, axis=1), width, fill)

    step = _tokens("step", rows.step, mask.shape)
    step = turns(mask) if step is None else step
    group = numbered(rows.group, len(mask))
    logp = _tokens("logp", rows.logp, mask.shape)
    logp = np.full(mask.shape, np.nan) if logp is None else logp
    tokens = _tokens("tokens", rows.tokens, mask.shape)
    tokens = np.zeros(mask.shape) if tokens is None else tokens
    prompts = int(group.max()) + 1
    fields: dict[str, Any] = dict(
        prompts=np.zeros((prompts, 1), np.int32),
        prompt_mask=np.ones((prompts, 1), bool),
        group=group,
        tokens=packed(tokens.astype(np.int32), 0),
        mask=packed(mask, False),
        valid=packed(valid, False),
        step=packed(step.astype(np.int32), -1),
        logp=packed(logp.astype(np.float32), 0),
        signals=_signals(signals, int(step[mask].max(initial=0)) + 1, packed),
        iteration=np.asarray(calls, np.int32),
    )
    return Rollout(**fields), order


def _tokens(name: str, x: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    if x is None:
        return None
    x = to_numpy(x)
    if x.shape != shape:
        raise ValueError(f"{name} has shape {x.shape} and the mask has {shape}")
    return x


def _signals(
    signals: Mapping[str, Any], steps: int, packed: Callable[..., np.ndarray]
) -> dict[str, np.ndarray]:
    """The signals; those of tokens, or of steps, as wide as programs need them."""
    found = {}
    for name, given in signals.items():
        x = to_numpy(given).astype(_type_of(name))
        of = SIGNALS.get(name.removesuffix("_valid"))
        letters = of.shape if of else "N"
        if x.ndim == 2 and letters in ("NS", "NV"):
            x = _by_step(name, x, steps + (letters == "NV"))
        elif x.ndim == 2 and letters in ("N", "NT"):
            x = packed(x, 0)
        found[name] = x
    return found


def _type_of(name: str) -> Any:
    """Ids stay whole numbers, and flags True or False; all else is a float."""
    if name.endswith("_valid"):
        return bool
    return {"i": np.int32, "b": bool}.get(_kinds().get(name, ""), np.float32)


@functools.cache
def _kinds() -> dict[str, str]:
    drawn = made(np.random.default_rng(0), 4, 4, 2)
    return {name: x.dtype.kind for name, x in drawn.items()}


def _by_step(
    name: str, x: Float[np.ndarray, "N S"], steps: int
) -> Float[np.ndarray, "N more"]:
    """As wide as the next power of two: no row has the steps that are added."""
    if x.shape[1] < steps:
        raise ValueError(
            f"the signal {name!r} has {x.shape[1]} numbers a row and needs {steps}, "
            "since a row has as many steps; give `step`, or more numbers"
        )
    return widened(x, 1 << (x.shape[1] - 1).bit_length(), 0)
