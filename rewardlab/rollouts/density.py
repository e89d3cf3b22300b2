"""Where episodes branch: at the state whose actions are fewest for its uncertainty."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.rollouts.rows import Rows


def branch_where_least_dense(
    rows: Rows, shape: tuple[int, int]
) -> tuple[Int[Array, "B M"], Int[Array, "B M"]]:
    """Parents [B, M] and turns of M episodes from states of least density n / H.

    A state is a turn's beginning, the prompt is one; n counts the actions that were
    sampled in it, and H is the mean over these of -log p a token, nats. One is chosen
    after the other, and each counts in n before its action is known. Equal densities:
    the first row, then its first turn. (CARL, arXiv 2512.04949, equations 7, 8 and 12)

    Actions of 1 and 3 nats a token at the prompt, 2 / 2 = 1, and one of 0.9 nats later,
    1 / 0.9 = 1.1 -> the prompt, which then has 3 / 2 = 1.5 -> the later state
    """
    action, uncertain = actions(rows, shape[0])
    before = jnp.pad(action[..., :-1], ((0, 0), (0, 0), (1, 0)), constant_values=-1)
    own = sampled_here(action)
    # Edges (i, k) and (j, k) leave the same state.
    mates = own[:, None] & (before[:, :, None] == before[:, None])
    count = jnp.sum(mates, axis=2)
    total = jnp.sum(jnp.where(mates, uncertain[:, None], 0), axis=2)
    mean = masked.safe_divide(total, count)
    turns = jnp.arange(action.shape[2])

    def choose(count: Array, _: None) -> tuple[Array, tuple[Array, Array]]:
        # The greatest H / n: a state where nothing is in doubt divides by nothing.
        sparse = jnp.where(own, mean / jnp.maximum(count, 1), -jnp.inf)
        best = jnp.argmax(sparse.reshape(shape[0], -1), axis=1)
        row, turn = best // len(turns), best % len(turns)
        left = before[jnp.arange(shape[0]), row, turn]
        same = (before == left[:, None, None]) & (turns == turn[:, None, None])
        return count + same, (row, turn)

    _, (parent, turn) = lax.scan(choose, count, None, length=shape[1])
    return parent.T, turn.T


def actions(
    rows: Rows, prompts: int
) -> tuple[Int[Array, "B G S"], Float[Array, "B G S"]]:
    """The node of each row's turn, -1 if it has none, and its mean -log p a token."""
    state, turns = rows.state, jnp.arange(rows.state.turn_scored.shape[1])
    here = state.mask[:, None] & (state.step[:, None] == turns[:, None])
    node = jnp.max(jnp.where(here, rows.node[:, None], -1), axis=2)
    total = -jnp.sum(jnp.where(here, state.logp[:, None], 0), axis=2)
    mean = masked.safe_divide(total, jnp.sum(here, axis=2))
    return node.reshape(prompts, -1, len(turns)), mean.reshape(prompts, -1, len(turns))


def sampled_here(action: Int[Array, "B G S"]) -> Bool[Array, "B G S"]:
    """Whether an action is the row's own, so that each is counted once."""
    _, rows, turns = action.shape
    return (action >= 0) & (action // turns == jnp.arange(rows)[:, None])
