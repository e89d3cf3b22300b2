"""Where completions end, on the device: ids of ends, and strings that stop them."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Int

from rewardlab.text.stops import Stopping
from rewardlab.text.tokenizers import Tokenizer

Table = Int[Array, "S V"]  # `Stopping.table`


def after(
    token: Int[Array, " N"],
    eos_ids: Sequence[int],
    table: Table | None,
    state: Int[Array, " N"],
) -> tuple[Bool[Array, " N"], Int[Array, " N"]]:
    """Whether rows end with this token, and what is begun of a stop string after it.

    Rows begin with state 0. A token that is not the tokenizer's has no text.
    """
    over = jnp.isin(token, jnp.array(eos_ids, jnp.int32))
    if table is None:
        return over, state
    states, size = table.shape
    now = table[state, jnp.minimum(token, size - 1)].astype(jnp.int32)
    state = jnp.where(token < size, now, state)
    return over | (state == states - 1), state


def stop_table(tokenizer: Tokenizer) -> Table | None:
    """The table of its stop strings, if it has any."""
    return jnp.asarray(tokenizer.table) if isinstance(tokenizer, Stopping) else None


def have_ended(
    tokenizer: Tokenizer, tokens: Int[Array, "N T"], mask: Bool[Array, "N T"]
) -> Bool[Array, " N"]:
    """The rows of which a token of `mask` is an end, or completes a stop string."""
    table = stop_table(tokenizer)
    if table is None:
        eos_ids = jnp.array(tokenizer.eos_ids, jnp.int32)
        return jnp.any(jnp.isin(tokens, eos_ids) & mask, axis=1)

    def read(
        at: tuple[Array, Array], now: tuple[Array, Array]
    ) -> tuple[tuple[Array, Array], None]:
        ended, state = at
        over, moved = after(now[0], tokenizer.eos_ids, table, state)
        return (ended | (over & now[1]), jnp.where(now[1], moved, state)), None

    rows = tokens.shape[0]
    start = jnp.zeros(rows, bool), jnp.zeros(rows, jnp.int32)
    return lax.scan(read, start, (tokens.T, mask.T))[0][0]
