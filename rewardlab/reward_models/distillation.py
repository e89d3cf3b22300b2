"""How far two next-token distributions are apart, whole."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def generalized_jsd(
    student: Float[Array, "... V"], teacher: Float[Array, "... V"], beta: float = 0.5
) -> Float[Array, "..."]:
    """beta KL(teacher || m) + (1 - beta) KL(student || m), nats, of next-token
    distributions given by their logits; m = beta teacher + (1 - beta) student.

    At its ends it is KL itself: beta 0 KL(teacher || student), beta 1 KL(student ||
    teacher). Never below 0, 0 if they are equal, and the same both ways round only at
    1/2. (GKD, arXiv 2306.13649; TRL's `generalized_jsd_loss`)
    """
    ours, theirs = (jax.nn.log_softmax(x, axis=-1) for x in (student, teacher))
    if beta == 0:
        return _kl(theirs, ours)
    if beta == 1:
        return _kl(ours, theirs)
    middle = jnp.logaddexp(theirs + math.log(beta), ours + math.log1p(-beta))
    return beta * _kl(theirs, middle) + (1 - beta) * _kl(ours, middle)


def _kl(p: Float[Array, "... V"], q: Float[Array, "... V"]) -> Float[Array, "..."]:
    return jnp.sum(jnp.exp(p) * (p - q), axis=-1)
