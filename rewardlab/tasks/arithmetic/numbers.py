"""Numbers that agents write, read on the device."""

import jax.numpy as jnp
from jaxtyping import Array, Int

from rewardlab.tasks.arithmetic.verifier import TOKENIZER

MAX_DIGITS = 4
ZERO, END = TOKENIZER.encode("0\n")
NOTHING = -1


def number_in(
    action: Int[Array, " A"], length: Int[Array, ""], begin: int = 0
) -> Int[Array, ""]:
    """The number of a turn that is a number and a new line, from token `begin` on; or
    -1.

    It has 1 to 4 digits, of which the first is not 0 unless it stands alone; `length`
    tokens of the action are real.
    """
    place, digit = jnp.arange(action.shape[0]) - begin, action - ZERO
    digits = length - 1 - begin
    inside = (place >= 0) & (place < digits)
    whole = jnp.all(~inside | ((digit >= 0) & (digit <= 9)))
    worth = 10 ** jnp.clip(digits - 1 - place, 0, MAX_DIGITS)
    number = jnp.sum(jnp.where(inside, digit * worth, 0))
    plain = (digits == 1) | (number >= 10 ** jnp.maximum(digits - 1, 0))
    ends = action[jnp.maximum(length - 1, 0)] == END
    some = (digits >= 1) & (digits <= MAX_DIGITS)
    return jnp.where(ends & whole & some & plain, number, NOTHING)
