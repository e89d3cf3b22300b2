"""How a reward model reads a completion: a trunk, and heads on its last state.

What a head is given is the state that has read the last token of the row, and beside it
what the trunk found unlikely: the log-prob of that token, the row's sum and its least.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.types import Rollout, Static
from rewardlab.scorers import heads
from rewardlab.scorers.beside import own_model
from rewardlab.scorers.protocol import Context, Setting

LEAST_SPREAD = 0.05  # or a member that is sure of one label is sure without end


class Reading(NamedTuple):
    """What K members say of rows: scores, the other outputs, and the trunk's log-prob.

    `log_spread` is of the second output, of those that say how sure they are; `logp`
    [N] the log-prob of the row under a language model of its own, else None.
    """

    score: Float[Array, "K N"]
    log_spread: Float[Array, "K N"]
    logp: Float[Array, " N"] | None


class Reader(NamedTuple):
    """A trunk with K heads: `begin` gives what is trained, `read` reads rows by it.

    `prefixes` gives their scores after each token [K, N, T], and of the prompt [K, N].
    """

    begin: Callable[[Context, Rollout], dict[str, Any]]
    read: Callable[[dict[str, Any], Context, Rollout], Reading]
    prefixes: Callable[[dict[str, Any], Context, Rollout], tuple[Array, Array]]
    roles: tuple[str, ...]
    lr: float


Trunk = Callable[[Setting, int], Reader]  # of a setting, for so many members


def base_trunk(width: Static[int] = 64, lr: float = 3e-3) -> Trunk:
    """Heads on the states of the frozen base: a model that nothing but its fit moves.

    score = w2 . gelu(W1 x + b1) + b2, x the state after the last token and three
    log-probs. One forward pass of the base, which `ref_logp` shares.
    """
    return lambda setting, members: _fixed("reference", setting, members, (width, lr))


def policy_trunk(width: Static[int] = 64, lr: float = 3e-3) -> Trunk:
    """Heads on the policy's own states, through which no gradient flows.

    The states move as the policy learns, so a head that rests grows stale.
    """
    return lambda setting, members: _fixed("policy", setting, members, (width, lr))


def own_trunk(
    width: Static[int] = 64, lr: float = 1e-4, start: str = "policy"
) -> Trunk:
    """Heads on a language model of their own, which is trained with them.

    It starts as the policy does, `fresh`, or as another role of the run.
    """

    def trunk(setting: Setting, members: int) -> Reader:
        own = own_model(setting, start)

        def begin(context: Context, shapes: Rollout) -> dict[str, Any]:
            known = own.model.config.width
            made = _heads(context.key, members, known, width)
            return {"heads": made, "trunk": own.init(context, shapes)}

        def read(trained: Any, context: Context, rollout: Rollout) -> Reading:
            params = own.whole(trained["trunk"], context)
            ends, logp = _ends(own.model, params, rollout, setting.temperature)
            row = jnp.sum(jnp.where(rollout.mask, logp, 0), axis=1)
            return _say(trained["heads"], ends)._replace(logp=row)

        def prefixes(
            trained: Any, context: Context, rollout: Rollout
        ) -> tuple[Array, Array]:
            params = own.whole(trained["trunk"], context)
            case = (own.model, params, rollout, setting.temperature)
            return _say_all(trained["heads"], case)

        return Reader(begin, read, prefixes, own.roles, lr)

    return trunk


def _fixed(
    role: str, setting: Setting, members: int, sizes: tuple[int, float]
) -> Reader:
    """Heads on a trunk that learns nothing from them."""
    model, (width, lr) = setting.models[role], sizes

    def begin(context: Context, shapes: Rollout) -> dict[str, Any]:
        return {"heads": _heads(context.key, members, model.config.width, width)}

    def read(trained: Any, context: Context, rollout: Rollout) -> Reading:
        params = lax.stop_gradient(context.params[role])
        ends, _ = _ends(model, params, rollout, setting.temperature)
        return _say(trained["heads"], ends)

    def prefixes(
        trained: Any, context: Context, rollout: Rollout
    ) -> tuple[Array, Array]:
        params = lax.stop_gradient(context.params[role])
        return _say_all(trained["heads"], (model, params, rollout, setting.temperature))

    return Reader(begin, read, prefixes, () if role == "policy" else (role,), lr)


def _heads(key: Array, members: int, known: int, width: int) -> heads.Head:
    """K heads that say 0 of everything, of different first layers."""
    keys = jax.random.split(key, members)
    inputs = known + heads.SURPRISE
    return jax.vmap(lambda own: heads.begin(own, inputs, width, 2))(keys)


def _ends(
    model: Any, params: Any, rollout: Rollout, temperature: Any
) -> tuple[Float[Array, "N D"], Float[Array, "N T"]]:
    """What a head reads of each row, 0 of an empty one; and its tokens' log-probs."""
    known, logp = _known(model, params, rollout, temperature)
    last = masked.last(rollout.valid)[..., None]
    return jnp.sum(jnp.where(last, known, 0), axis=1), logp


def _known(
    model: Any, params: Any, rollout: Rollout, temperature: Any
) -> tuple[Float[Array, "N T D"], Float[Array, "N T"]]:
    """What a head reads after each token, and the tokens' log-probs."""
    states = model.states(params, rollout, after=True)
    logp = model.log_probs(params, rollout, temperature).logp
    seen = heads.surprise(dataclasses.replace(rollout, logp=logp), before=False)
    return jnp.concatenate([states, seen], axis=-1), logp


def _say_all(
    head: heads.Head, case: tuple[Any, Any, Rollout, Any]
) -> tuple[Float[Array, "K N T"], Float[Array, "K N"]]:
    """The scores of all prefixes, 0 on padding, and of the prompt before any token."""
    model, params, rollout, _ = case
    known, _ = _known(*case)
    before = model.states(params, rollout)[:, 0]
    blank = jnp.zeros((before.shape[0], heads.SURPRISE))
    first = jnp.concatenate([before, blank], axis=-1)
    say = jax.vmap(heads.read, (0, None))
    found = jnp.where(rollout.valid, say(head, known)[..., 0], 0)
    return found, say(head, first)[..., 0]


def _say(head: heads.Head, ends: Float[Array, "N D"]) -> Reading:
    said = jax.vmap(heads.read, (0, None))(head, ends)
    spread = LEAST_SPREAD + jax.nn.softplus(said[..., 1])
    return Reading(said[..., 0], jnp.log(spread), None)


def rows_of(
    prompts: Int[Array, "B P"],
    prompt_mask: Bool[Array, "B P"],
    tokens: Int[Array, "B R T"],
    valid: Bool[Array, "B R T"],
) -> Rollout:
    """R completions of each prompt that nobody sampled, to be read as rows."""
    count, rows, width = tokens.shape
    flat = valid.reshape(count * rows, width)
    return Rollout(
        prompts=prompts,
        prompt_mask=prompt_mask,
        group=jnp.repeat(jnp.arange(count, dtype=jnp.int32), rows),
        tokens=tokens.reshape(count * rows, width),
        mask=flat,
        valid=flat,
        step=jnp.where(flat, 0, -1),
        logp=jnp.zeros(flat.shape, jnp.float32),
        signals={},
        iteration=jnp.zeros((), jnp.int32),
    )


# Words that stand in the brackets of a reward model, after `trunk=`.
TRUNKS: dict[str, Callable[..., Trunk]] = {
    "base_trunk": base_trunk,
    "own_trunk": own_trunk,
    "policy_trunk": policy_trunk,
}
