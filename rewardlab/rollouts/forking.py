"""Where episodes branch: at given turns, or where the policy hesitates."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from rewardlab.rollouts.state import EpisodeState
from rewardlab.selection.branching import branches

FIRST_TOKENS = 20  # of a turn, whose entropy counts
BRANCHING_RULES = ("entropy_rise", "least_dense")


@dataclasses.dataclass(frozen=True)
class Branching:
    """How the G episodes of a prompt share prefixes.

    `roots` of them begin at the prompt. The others branch off in `rounds` rounds of
    equal size, from any episode sampled before. Round r branches at the beginning of
    turn `turns[r]` (turns count from 0), of parents evenly spaced among the rows;
    where the parent never began it, the episode begins at the prompt.

    Without `turns` the `rule` says where. "entropy_rise": where the policy's entropy
    rose most, among the turns that `branches` (ARPO, arXiv 2507.19849) lets branch with
    this `weight` and `threshold`; the rest of the round begins at the prompt.
    "least_dense": see `rollouts.density` (CARL, arXiv 2512.04949).
    """

    roots: int
    rounds: int = 1
    turns: tuple[int, ...] = ()
    weight: float = 0.2
    threshold: float = 0.5
    rule: str = BRANCHING_RULES[0]

    def validate(self, num_generations: int, max_turns: int) -> str:
        """Why G episodes of `max_turns` turns cannot branch so; "" if they can."""
        if not 0 < self.roots < num_generations:
            return (
                f"roots={self.roots} of {num_generations} episodes a prompt leaves no "
                f"room for branches; use at least 1 and fewer than {num_generations}"
            )
        if self.rounds < 1 or (num_generations - self.roots) % self.rounds:
            return (
                f"rounds={self.rounds} does not divide the "
                f"{num_generations - self.roots} episodes that branch off; "
                "use a divisor"
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
        if self.rule not in BRANCHING_RULES:
            return f"rule={self.rule!r} must be one of {', '.join(BRANCHING_RULES)}"
        return ""


def branch_evenly(
    state: EpisodeState,
    turn: Int[Array, ""],
    existing: Int[Array, ""],
    shape: tuple[int, int],
) -> tuple[Int[Array, "B M"], Int[Array, "B M"]]:
    """Parents [B, M], evenly spaced among a prompt's first `existing` rows, and turns.

    The turn is 0 where the parent never began it.
    """
    parent = jnp.arange(shape[1], dtype=jnp.int32) * existing // shape[1]
    begun = state.turn.reshape(shape[0], -1)[:, parent] >= turn
    return jnp.broadcast_to(parent, shape), jnp.where(begun, turn, 0)


def branch_at_high_entropy(
    state: EpisodeState,
    entropy: Float[Array, "N S"],
    own: Int[Array, " N"],
    draw: Float[Array, "N S"],
    branching: Branching,
    shape: tuple[int, int],
) -> tuple[Int[Array, "B M"], Int[Array, "B M"]]:
    """Parents [B, M] and turns where the entropy rose most; turn 0 if there is none.

    `own` is the first turn of a row that it does not share with its parent. If the
    environment has a reward `call`, only turns after a call count.
    """
    turns = jnp.arange(entropy.shape[1])
    open_ = (turns > own[:, None]) & (turns <= state.turn[:, None])
    if "call" in state.rewards:
        called = jnp.pad(state.rewards["call"] > 0, ((0, 0), (1, 0)))[:, :-1]
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


def first_tokens_entropy(state: EpisodeState, vocab_size: int) -> Float[Array, "N S"]:
    """The summed entropy of each turn's first 20 tokens, in units of log V.

    As `truncated_entropy`, with entropies over all tokens instead of ten.
    """
    turns = jnp.arange(state.turn_scored.shape[1])[:, None]
    here = state.mask[:, None] & (state.step[:, None] == turns)
    first = here & (jnp.cumsum(here, axis=2) <= FIRST_TOKENS)
    total = jnp.sum(jnp.where(first, state.entropy[:, None], 0), axis=2)
    return total / jnp.log(vocab_size)


def uniform(keys: Array, turns: int) -> Float[Array, "N S"]:
    """One draw in [0, 1) for each turn of each row."""
    return jax.vmap(lambda key: jax.random.uniform(key, (turns,)))(keys)
