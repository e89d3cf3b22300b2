"""Where episodes branch: at given turns, or where the policy hesitates."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from rewardlab.rollouts.playing import Playing
from rewardlab.selection.branching import branches

FIRST_TOKENS = 20  # of a turn, whose entropy counts


@dataclasses.dataclass(frozen=True)
class Branching:
    """How the G episodes of a prompt share prefixes.

    `roots` of them begin at the prompt. The others branch off in `rounds` rounds, as
    many in each, from any episode that is there. Round r branches at the beginning of
    turn `turns[r]` (turns count from 0), of parents that lie evenly among the rows;
    where the parent never began it, the episode begins at the prompt.

    Without `turns` a round branches where the policy's entropy rose most, among the
    turns that `branches` (ARPO, arXiv 2507.19849) lets branch with this `weight` and
    `threshold`. What is left of the round begins at the prompt.
    """

    roots: int
    rounds: int = 1
    turns: tuple[int, ...] = ()
    weight: float = 0.2
    threshold: float = 0.5

    def problem(self, episodes: int, max_turns: int) -> str:
        """Why G = `episodes` of `max_turns` turns cannot branch so; "" if they can."""
        if not 0 < self.roots < episodes:
            return (
                f"roots={self.roots} of {episodes} episodes a prompt leaves no room "
                f"for branches; use at least 1 and fewer than {episodes}"
            )
        if self.rounds < 1 or (episodes - self.roots) % self.rounds:
            return (
                f"rounds={self.rounds} does not divide the {episodes - self.roots} "
                "episodes that branch off; use a divisor"
            )
        if self.turns and len(self.turns) != self.rounds:
            return (
                f"turns={self.turns} has {len(self.turns)} turns and there are "
                f"rounds={self.rounds}; give each round one turn"
            )
        if any(not 0 < turn < max_turns for turn in self.turns):
            return (
                f"turns={self.turns} must lie between 1 and {max_turns - 1}: turn 0 "
                f"has no prefix, and an episode has at most {max_turns} turns"
            )
        return ""


def evenly(
    now: Playing, turn: Int[Array, ""], there: Int[Array, ""], shape: tuple[int, int]
) -> tuple[Int[Array, "B M"], Int[Array, "B M"]]:
    """Parents [B, M] that lie evenly among a prompt's first `there` rows, and turns.

    The turn is 0 where the parent never began that one.
    """
    parent = jnp.arange(shape[1], dtype=jnp.int32) * there // shape[1]
    begun = now.turn.reshape(shape[0], -1)[:, parent] >= turn
    return jnp.broadcast_to(parent, shape), jnp.where(begun, turn, 0)


def where_unsure(
    now: Playing,
    entropy: Float[Array, "N S"],
    own: Int[Array, " N"],
    draw: Float[Array, "N S"],
    branching: Branching,
    shape: tuple[int, int],
) -> tuple[Int[Array, "B M"], Int[Array, "B M"]]:
    """Parents [B, M] and turns where the entropy rose most; turn 0 for want of any.

    `own` is a row's first turn that it does not share with its parent. If the
    environment tells calls, only turns after one count.
    """
    turns = jnp.arange(entropy.shape[1])
    open_ = (turns > own[:, None]) & (turns <= now.turn[:, None])
    if "call" in now.rewards:
        called = jnp.pad(now.rewards["call"] > 0, ((0, 0), (1, 0)))[:, :-1]
        open_ &= called
    first = entropy[:, :1]
    open_ &= branches(draw, entropy, first, branching.weight, branching.threshold)
    rise = jnp.where(open_, entropy - first, -jnp.inf).reshape(shape[0], -1)
    best, index = lax.top_k(rise, min(shape[1], rise.shape[1]))
    short = ((0, 0), (0, shape[1] - best.shape[1]))
    best, index = jnp.pad(best, short, constant_values=-jnp.inf), jnp.pad(index, short)
    found = jnp.isfinite(best)
    parent = jnp.where(found, index // entropy.shape[1], 0)
    return parent, jnp.where(found, index % entropy.shape[1], 0)


def hesitation(now: Playing, vocab_size: int) -> Float[Array, "N S"]:
    """The entropy of each turn's first 20 tokens, their sum over log V.

    As `truncated_entropy`, with whole entropies in place of those of ten tokens.
    """
    turns = jnp.arange(now.taken.shape[1])[:, None]
    here = now.mask[:, None] & (now.step[:, None] == turns)
    early = here & (jnp.cumsum(here, axis=2) <= FIRST_TOKENS)
    total = jnp.sum(jnp.where(early, now.entropy[:, None], 0), axis=2)
    return total / jnp.log(vocab_size)


def uniform(keys: Array, turns: int) -> Float[Array, "N S"]:
    """One draw in [0, 1) for each turn of each row."""
    return jax.vmap(lambda key: jax.random.uniform(key, (turns,)))(keys)
