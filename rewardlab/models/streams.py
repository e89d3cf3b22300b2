"""What new tokens read: a cache, or prompts and their completions side by side."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.models.attention import HIDDEN, attend
from rewardlab.models.cache import Cache, Memory, write
from rewardlab.models.config import LMConfig
from rewardlab.models.rope import rope_table, rotate


class View(NamedTuple):
    """Where new tokens stand and what they see; the same in every layer."""

    places: Int[Array, "N t"] | None  # rows of the table of learned positions
    turns: tuple[Float[Array, "B 1 G t E"], Array] | None  # cos and sin of RoPE
    own: Bool[Array, "B 1 1 G t S"]
    prompt: Bool[Array, "B 1 1 #G 1 P"] | None
    used: Int[Array, ""]

    @classmethod
    def of(cls, cache: Cache, count: int, config: LMConfig) -> "View":
        """The view of the next `count` tokens of each row."""
        groups = (cache.prompts, cache.rows)
        slots = cache.valid.shape[1]
        slots += cache.prompt.valid.shape[2] if cache.prompt else 0
        places: Array | None = cache.positions(count)
        turns: tuple[Array, Array] | None = None
        if config.positions == "rope":
            angles = jnp.asarray(rope_table(config, slots))[places]
            angles = angles.reshape(groups[0], 1, groups[1], count, -1)
            cos, sin = jnp.split(angles, 2, axis=-1)
            places, turns = None, (cos, sin)
        elif slots > config.max_positions:
            raise ValueError(
                f"a text of {slots} tokens does not fit a model with "
                f"{config.max_positions} learned positions; make the longest prompt "
                "or the longest completion shorter"
            )
        own = cache.visible(count).reshape(groups[0], 1, 1, groups[1], count, -1)
        prompt = cache.prompt.valid[:, None, None, :, None] if cache.prompt else None
        return cls(places, turns, own, prompt, cache.used)

    @property
    def rows(self) -> tuple[int, int, int]:
        """How many prompts, rows of each, and new tokens of each row there are."""
        b, _, _, g, t, _ = self.own.shape
        return b, g, t

    @property
    def tokens(self) -> int:
        """How many new tokens there are in all rows."""
        b, g, t = self.rows
        return b * g * t


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
        queries, keys = (_turned(x, view, head_dim) for x in (q, k))
        new = Memory(keys, _heads(v, view, head_dim))
        memory = write(self.memory, new, view.used, view.own.shape[-1])
        b, _, g, t, d = queries.shape
        queries = queries.reshape(b, keys.shape[1], -1, g, t, d)
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

    def looks(
        self,
        q: Float[Array, "1 M C"],
        k: Float[Array, "1 M C"],
        at: Int[Array, " N"],
        head_dim: int,
    ) -> Float[Array, "N T"]:
        """The attention of the token in place `at` of each row to each token of it.

        The mean over heads of softmax(q k / sqrt(D)), of which the prompt has the rest.
        """
        (b, g, _), cut = self.rows.rows, self.prompts.tokens
        queries, keys = (_turned(x[:, cut:], self.rows, head_dim) for x in (q, k))
        before = _turned(k[:, :cut], self.prompts, head_dim)[:, :, 0]
        place = at.reshape(b, 1, g, 1, 1)
        queries = jnp.take_along_axis(queries, place, axis=3) * head_dim**-0.5
        queries = queries.reshape(b, keys.shape[1], -1, g, head_dim)
        own = jnp.einsum("bkrgd,bkgsd->bkrgs", queries, keys)
        first = jnp.einsum("bkrgd,bkpd->bkrgp", queries, before)
        seen = jnp.take_along_axis(self.rows.own, place[:, :, None], axis=4)[..., 0, :]
        assert self.rows.prompt is not None
        masks = (self.rows.prompt[..., 0, :], seen)
        parts = zip(masks, (first, own), strict=True)
        scores = [jnp.where(m, x.astype(jnp.float32), HIDDEN) for m, x in parts]
        weights = jax.nn.softmax(jnp.concatenate(scores, axis=-1), axis=-1)
        mean = jnp.mean(weights[..., first.shape[-1] :], axis=(1, 2))
        return mean.reshape(b * g, -1)


def _turned(
    x: Float[Array, "..."], view: View, head_dim: int
) -> Float[Array, "B H G t D"]:
    heads = _heads(x, view, head_dim)
    return rotate(heads, *view.turns) if view.turns else heads


def _heads(
    x: Float[Array, "..."], view: View, head_dim: int
) -> Float[Array, "B H G t D"]:
    b, g, t = view.rows
    return x.reshape(b, g, t, -1, head_dim).transpose(0, 3, 1, 2, 4)
