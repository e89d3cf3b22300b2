"""What new tokens read: a cache, or prompts and their completions side by side."""

import functools
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from rewardlab.models.attention import attend
from rewardlab.models.cache import Cache, Memory, write


class View(NamedTuple):
    """Where new tokens stand and what they see; the same in every layer."""

    cos: Float[Array, "B 1 G t E"]
    sin: Float[Array, "B 1 G t E"]
    own: Bool[Array, "B 1 1 G t S"]
    prompt: Bool[Array, "B 1 1 #G 1 P"] | None
    used: Int[Array, ""]

    @classmethod
    def of(cls, cache: Cache, count: int, head_dim: int, theta: float) -> "View":
        """The view of the next `count` tokens of each row; `theta` is RoPE's base."""
        groups = (cache.prompts, cache.rows)
        slots = cache.valid.shape[1]
        slots += cache.prompt.valid.shape[2] if cache.prompt else 0
        table = jnp.asarray(_rope_table(head_dim, theta, slots))
        turns = table[cache.positions(count)]
        turns = turns.reshape(groups[0], 1, groups[1], count, -1)
        cos, sin = jnp.split(turns, 2, axis=-1)
        own = cache.visible(count).reshape(groups[0], 1, 1, groups[1], count, -1)
        prompt = cache.prompt.valid[:, None, None, :, None] if cache.prompt else None
        return cls(cos, sin, own, prompt, cache.used)

    @property
    def tokens(self) -> int:
        """How many new tokens there are in all rows."""
        return self.cos.shape[0] * self.cos.shape[2] * self.cos.shape[3]


class Stream(NamedTuple):
    """Rows that continue a cache; `read` is the attention of one layer."""

    view: View
    memory: Memory | None
    prompt: Memory | None

    def read(
        self, q: Float[Array, "N t C"], k: Array, v: Array, head_dim: int
    ) -> tuple[Float[Array, "N t C"], Memory]:
        """What the tokens read, and the memory with theirs in it."""
        view = self.view
        heads = [_heads(x, view, head_dim) for x in (q, k, v)]
        new = Memory(_rotate(heads[1], view), heads[2])
        memory = write(self.memory, new, view.used, view.own.shape[-1])
        b, _, g, t, d = heads[0].shape
        queries = _rotate(heads[0], view)
        queries = queries.reshape(b, new.keys.shape[1], -1, g, t, d)
        mixed = attend(queries, memory, view.own, self.prompt, view.prompt)
        return mixed.transpose(0, 3, 4, 1, 2, 5).reshape(q.shape), memory


class Beside(NamedTuple):
    """Prompts and completions as one long row: every product is made once for both.

    The tokens of all prompts come first, then those of all completions.
    """

    prompts: View
    rows: View

    def read(
        self, q: Float[Array, "1 M C"], k: Array, v: Array, head_dim: int
    ) -> tuple[Float[Array, "1 M C"], None]:
        """Prompts read themselves; completions themselves and their prompt."""
        cut = self.prompts.tokens
        first = Stream(self.prompts, None, None)
        mixed, memory = first.read(q[:, :cut], k[:, :cut], v[:, :cut], head_dim)
        second = Stream(self.rows, None, memory)
        rest, _ = second.read(q[:, cut:], k[:, cut:], v[:, cut:], head_dim)
        return jnp.concatenate([mixed, rest], axis=1), None


@functools.cache
def _rope_table(head_dim: int, theta: float, slots: int) -> np.ndarray:
    half = head_dim // 2
    angle = np.outer(np.arange(slots), theta ** (-np.arange(half) / half))
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


def _heads(
    x: Float[Array, "..."], view: View, head_dim: int
) -> Float[Array, "B H G t D"]:
    b, _, g, t, _ = view.cos.shape
    return x.reshape(b, g, t, -1, head_dim).transpose(0, 3, 1, 2, 4)


def _rotate(x: Float[Array, "B H G t D"], view: View) -> Float[Array, "B H G t D"]:
    """RoPE (arXiv 2104.09864): pairs (i, i + D/2) turn with the position."""
    x1, x2 = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    cos, sin = view.cos, view.sin
    turned = jnp.concatenate([x1 * cos - x2 * sin, x2 * cos + x1 * sin], axis=-1)
    return turned.astype(x.dtype)
