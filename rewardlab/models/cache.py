"""What a model remembers: keys and values of its own tokens and of a shared prompt."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int


class Memory(NamedTuple):
    """Rotated keys, and values, of one layer: S slots in each of B*G rows."""

    keys: Float[Array, "B K G S D"]
    values: Float[Array, "B K G S D"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Prompt:
    """A prompt's memory, read by reference by all its rows and never copied to them."""

    layers: tuple[Memory, ...]  # with G = 1
    valid: Bool[Array, "B G P"]  # or [B, 1, P]: all rows read the same of it


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Cache:
    """Slots for S tokens in each of N rows; the first `used` of them are written.

    `valid` says which slots hold tokens, also of those still to be written: whoever
    feeds padding (or an environment's shorter turn) says so there before the call.
    """

    layers: tuple[Memory, ...]  # () before the first call of a fresh cache
    valid: Bool[Array, "N S"]
    used: Int[Array, ""]
    prompt: Prompt | None

    def fork(
        self,
        rows: int,
        valid: Bool[Array, "N S"],
        seen: Bool[Array, "N P"] | None = None,
    ) -> "Cache":
        """An empty cache for `rows` continuations of each row, which they share.

        Continuations lie row by row: rows b*G .. b*G+G-1 of `valid` read row b. Each
        reads all that row b had read, or what `seen` says of it: slots of its prompt,
        if it has one, and then its own. So a row can be continued from any of its
        tokens. A fork of a fork copies what its rows have read; nothing is recomputed.
        """
        parents = self.valid.shape[0]
        if valid.shape[0] != parents * rows:
            raise ValueError(
                f"{valid.shape[0]} rows do not continue {parents} rows {rows} times "
                "each; lay them out row by row"
            )

        def blank(x: Float[Array, "B K 1 P D"]) -> Float[Array, "B K G S D"]:
            return jnp.zeros((*x.shape[:2], rows, valid.shape[1], x.shape[4]), x.dtype)

        whole = self._whole()
        if seen is not None:
            shared = seen.reshape(parents, rows, -1) & whole.valid
            whole = Prompt(whole.layers, shared)
        layers = jax.tree.map(blank, whole.layers)
        return Cache(layers, valid, jnp.zeros((), jnp.int32), whole)

    def branch(
        self, parents: Int[Array, "B M"], kept: Bool[Array, "N S"], slots: int
    ) -> "Cache":
        """M rows a prompt that go on from other rows of it, with `slots` more slots.

        `parents` are numbers of rows within their prompt, and `kept` says what of its
        own slots each branch reads. Those are copied; the prompt is shared as before.
        """
        index = parents[:, None, :, None, None]

        def copy(x: Float[Array, "B K G S D"]) -> Float[Array, "B K M Q D"]:
            old = jnp.take_along_axis(x, index, axis=2)
            new = jnp.zeros((*old.shape[:3], slots, old.shape[4]), x.dtype)
            return jnp.concatenate([old, new], axis=3)

        used = jnp.asarray(kept.shape[1], jnp.int32)
        valid = jnp.pad(kept, ((0, 0), (0, slots)), constant_values=True)
        return Cache(jax.tree.map(copy, self.layers), valid, used, self.prompt)

    def packed(self, slots: int) -> "Cache":
        """The same rows with token t in slot t, for t < `slots`."""
        held = self.valid & (self._slots() < self.used)
        order = jnp.argsort(~held, axis=1, stable=True)[:, :slots]
        index = order.reshape(self.prompts, 1, self.rows, -1, 1)
        layers = jax.tree.map(
            lambda x: jnp.take_along_axis(x, index, axis=3), self.layers
        )
        valid = jnp.take_along_axis(held, order, axis=1)
        return Cache(layers, valid, jnp.asarray(slots, jnp.int32), self.prompt)

    def _whole(self) -> Prompt:
        """All that each row has read, its prompt included, as the prompt of others."""
        if self.prompt is None:
            return Prompt(self.layers, self.valid[:, None])
        own = (self.valid & (self._slots() < self.used))[:, None]
        rows, before = self.rows, self.prompt.valid
        before = jnp.broadcast_to(before, (before.shape[0], rows, before.shape[2]))

        def join(
            prompt: Float[Array, "B K 1 P D"], x: Float[Array, "B K G S D"]
        ) -> Float[Array, "N K 1 Q D"]:
            shape = (*prompt.shape[:2], rows, *prompt.shape[3:])
            both = jnp.concatenate([jnp.broadcast_to(prompt, shape), x], axis=3)
            return both.swapaxes(1, 2).reshape(-1, prompt.shape[1], 1, *both.shape[3:])

        layers = jax.tree.map(join, self.prompt.layers, self.layers)
        before = before.reshape(own.shape[0], 1, -1)
        return Prompt(layers, jnp.concatenate([before, own], axis=2))

    def reading(self, rows: Bool[Array, " N"]) -> "Cache":
        """The same cache when only `rows` have a token in the next slot."""
        here = self._slots() == self.used
        return dataclasses.replace(
            self, valid=jnp.where(here, rows[:, None], self.valid)
        )

    @property
    def prompts(self) -> int:
        """B: how many prompts (a cache that is not forked: rows) there are."""
        return (self.prompt or self).valid.shape[0]

    @property
    def rows(self) -> int:
        """G: how many rows continue each prompt."""
        return self.valid.shape[0] // self.prompts

    def positions(self, count: int) -> Int[Array, "N t"]:
        """How many valid tokens come before each of the next `count`."""
        before = jnp.sum(self.valid & (self._slots() < self.used), axis=1)
        if self.prompt is not None:
            shared = jnp.sum(self.prompt.valid, axis=2)
            shape = (self.prompts, self.rows)
            before += jnp.broadcast_to(shared, shape).reshape(-1)
        new = lax.dynamic_slice_in_dim(self.valid, self.used, count, axis=1)
        return before[:, None] + jnp.maximum(jnp.cumsum(new, axis=1) - 1, 0)

    def visible(self, count: int) -> Bool[Array, "N t S"]:
        """Which of its own slots each of the next `count` tokens attends to."""
        last = self.used + jnp.arange(count)[:, None]
        return self.valid[:, None, :] & (self._slots() <= last)

    def _slots(self) -> Int[Array, " S"]:
        return jnp.arange(self.valid.shape[1])


def start(valid: Bool[Array, "N S"]) -> Cache:
    """A fresh cache, without a prompt, for as many tokens as `valid` has columns."""
    return Cache((), valid, jnp.zeros((), jnp.int32), None)


def write(old: Memory | None, new: Memory, used: Int[Array, ""], slots: int) -> Memory:
    """The memory with `new` after the first `used` slots.

    New tokens that fill every slot are the memory: nothing is copied.
    """
    if new.keys.shape[3] == slots:
        return new

    def put(old: Float[Array, "B K G S D"], x: Array) -> Float[Array, "B K G S D"]:
        return lax.dynamic_update_slice_in_dim(old, x, used, axis=3)

    def blank(x: Array) -> Float[Array, "B K G S D"]:
        return jnp.zeros((*x.shape[:3], slots, x.shape[4]), x.dtype)

    return jax.tree.map(put, jax.tree.map(blank, new) if old is None else old, new)
