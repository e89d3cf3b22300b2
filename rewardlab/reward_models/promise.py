"""What a turn promises, and what it adds to the promise of the turn before.

A turn of an agent is seldom right or wrong by itself: it is worth what is likely to
come of it, its promise Q, and its progress is how much that is more than before
(AgentPRM, arXiv 2511.08325).
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.recursions import lambda_returns

Turns = Float[Array, "N S"]
There = Bool[Array, "N S"]
Number = float | Float[Array, ""]


def td_labels(
    promise: Turns,
    outcome: Float[Array, " N"],
    there: There,
    discount: Number,
    decay: Number,
) -> Turns:
    """Q + A, A the GAE of delta_k = r_k + discount Q_{k+1} - Q_k; 0 where no turn is.

    r is the outcome at a row's last turn, after which Q is 0.

    Q = (0.2, 0.6), R = 1, discount 1: decay 1 -> (1, 1), decay 0 -> (0.6, 1)
    """
    reward = jnp.where(masked.last(there), outcome[:, None], 0)
    known = jnp.where(there, promise, 0)
    found = lambda_returns(reward, known, there, discount, decay)
    return jnp.where(there, found, 0)


def differences(value: Turns, there: There) -> tuple[Turns, There]:
    """Q_k - Q_{k-1} of each turn and the one before it, and where there are both.

    (0.2, 0.6, 0.5) -> (0, 0.4, -0.1); False, True, True
    """
    both = there & jnp.pad(there[:, :-1], ((0, 0), (1, 0)))
    before = jnp.pad(value[:, :-1], ((0, 0), (1, 0)))
    return jnp.where(both, value - before, 0), both


def promise_loss(promise: Turns, label: Turns, there: There, beta: Number) -> Turns:
    """(Q_k - label_k)^2 + beta ((Q_k - Q_{k-1}) - (label_k - label_{k-1}))^2.

    A row's first turn has the first term alone. 0 where every promise is its label.

    Q = (0, 0), label = (1, 0.5), beta 1 -> (1, 0.25 + 0.25)
    """
    error = jnp.where(there, promise - label, 0)
    gap, _ = differences(error, there)
    return error**2 + beta * gap**2


def progress_of(promise: Turns, there: There, group: Array, prompts: int) -> Turns:
    """Q_k - Q_{k-1} of each turn; of a row's first, Q less the mean of the prompt's.

    All rows of a prompt begin in one state, whose worth is the mean over what was done
    in it. A row alone has 0 there.

    Two rows: Q = (0.2, 0.6) and (0.4, 0.3) -> (-0.1, 0.4) and (0.1, -0.1)
    """
    gap, both = differences(promise, there)
    first = there & ~both
    ids = jnp.broadcast_to(group[:, None], there.shape)
    n = masked.set_sum(first.astype(jnp.int32), ids, prompts)
    begun = masked.set_sum(jnp.where(first, promise, 0), ids, prompts)
    alone = jnp.where(n > 1, promise - masked.safe_divide(begun, n), 0)
    return jnp.where(first, alone, gap)
