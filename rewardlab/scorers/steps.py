"""What is known of each step: the state at its end, log-probs, facts of the task."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.signals import SIGNALS
from rewardlab.core.types import Rollout, SignalName
from rewardlab.scorers.heads import surprise
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.scorers.values import starts


def step_states() -> Maker:
    """`step_states` [N, S, W + 5]: what a head may read of each step.

    1; the policy's hidden state that has read the step's last token; the sum and the
    least of the step's own log-probs, and those of the row so far, in nats. All are 0
    for a step that has no token of the policy's, so the first column says which have.

    log p (-1, -3 | -2) in steps of two and one: (-4, -3, -4, -3), (-2, -2, -6, -3)
    """

    def make(setting: Setting) -> Scorer:
        def score(
            state: object, context: Context, rollout: Rollout, batch: object
        ) -> dict[str, Array]:
            states = of_steps(rollout.signal("hidden_after"), rollout)
            return {"step_states": jax.lax.stop_gradient(states)}

        shapes = {"step_states": "NSW"}
        return Scorer(
            "step_states",
            shapes,
            ("hidden_after",),
            "shard",
            score,
            private=("step_states",),
        )

    return make


def of_steps(
    hidden: Float[Array, "N T W"], rollout: Rollout
) -> Float[Array, "N S W+5"]:
    """What `step_states` are, of states that have read each token."""
    so_far = surprise(rollout, before=False)[..., 1:]
    own, logp = _own(rollout), at_ends(so_far, rollout)
    read = jnp.concatenate([at_ends(hidden, rollout), own, logp], axis=-1)
    return _there(read, rollout)


def step_facts(*signals: SignalName) -> Maker:
    """`step_facts` [N, S, F + 3]: what the task says of each step, as numbers.

    1; log(1 + k) of its number k; log(1 + n) of its n tokens; then each of the
    `signals`, of shape [N, S], 0 where it abstains. All are 0 for a step that is not
    there.

    step_facts('prm'): a second step of 8 tokens, scored 0.9 -> (1, 0.69, 2.2, 0.9)
    """

    def make(setting: Setting) -> Scorer:
        def score(
            state: object, context: Context, rollout: Rollout, batch: object
        ) -> dict[str, Array]:
            own = inside(rollout)
            number = jnp.log1p(jnp.arange(own.shape[1]))
            facts = [
                jnp.broadcast_to(number, own.shape[:2]),
                jnp.log1p(masked.count(own)),
                *(_of_steps(name, rollout) for name in signals),
            ]
            found = jnp.stack(facts, axis=-1).astype(jnp.float32)
            return {"step_facts": _there(found, rollout)}

        provides, private = {"step_facts": "NSF"}, ("step_facts",)
        return Scorer("step_facts", provides, signals, "shard", score, private=private)

    return make


def columns(rollout: Rollout) -> int:
    """S: the least of the signals of steps which the rollout has, else one a token.

    The task's own come first and have as many as there can be; what is made later may
    have one a token, and then there is nothing in the others.
    """
    found = [
        value.shape[1]
        for name, value in rollout.signals.items()
        if name in SIGNALS and SIGNALS[name].shape == "NS" and value.ndim == 2
    ]
    return min(found, default=rollout.tokens.shape[1])


def at_ends(x: Float[Array, "N T F"], rollout: Rollout) -> Float[Array, "N S F"]:
    """The numbers at the last token of the policy's in each step; 0 if it has none."""
    return _at(masked.step_ends(rollout), x, rollout)


def at_starts(x: Float[Array, "N T F"], rollout: Rollout) -> Float[Array, "N S F"]:
    """Likewise at the first token of the policy's in each step."""
    return _at(starts(rollout), x, rollout)


def _at(
    where: Bool[Array, "N T"], x: Float[Array, "N T F"], rollout: Rollout
) -> Float[Array, "N S F"]:
    step = jnp.arange(columns(rollout))[:, None]
    here = where[:, None] & (rollout.step[:, None] == step)
    found = jnp.take_along_axis(x, jnp.argmax(here, axis=2)[..., None], axis=1)
    return jnp.where(jnp.any(here, axis=2)[..., None], found, 0)


def least_so_far(rollout: Rollout) -> Float[Array, "N S"]:
    """The least log-prob of the row up to the end of each step, nats."""
    return at_ends(surprise(rollout, before=False)[..., -1:], rollout)[..., 0]


def keys_of_rows(key: Array, rollout: Rollout, count: int = 0) -> Array:
    """Keys for `count` rows (else one a row), whatever rows are beside them.

    A row's key follows from what it says: its tokens, and its prompt.
    """
    rows = rollout.tokens.shape[0]
    ids = _read(rollout.tokens, rollout.valid)
    ids += _read(rollout.prompts[:, ::-1], rollout.prompt_mask[:, ::-1])[rollout.group]
    each = max(count, rows) // rows
    numbers = jnp.repeat(ids, each) + jnp.tile(jnp.arange(each, dtype=jnp.uint32), rows)
    return jax.vmap(lambda n: jax.random.fold_in(key, n))(numbers)


def _read(tokens: Int[Array, "N T"], valid: Bool[Array, "N T"]) -> Array:
    """A number for a text, the same whatever padding follows it."""
    powers = jnp.cumprod(jnp.full(tokens.shape[1], 1_000_003, jnp.uint32))
    return jnp.sum(jnp.where(valid, tokens + 1, 0).astype(jnp.uint32) * powers, axis=1)


def exists(rollout: Rollout) -> Bool[Array, "N S"]:
    """Which steps have a token of the policy's."""
    return jnp.any(inside(rollout), axis=2)


def inside(rollout: Rollout) -> Bool[Array, "N S T"]:
    """Which tokens of the policy's each step has."""
    step = jnp.arange(columns(rollout))[:, None]
    return rollout.mask[:, None] & (rollout.step[:, None] == step)


def _own(rollout: Rollout) -> Float[Array, "N S 2"]:
    """The sum and the least of each step's log-probs."""
    own = jnp.where(inside(rollout), rollout.logp[:, None], 0)
    return jnp.stack([jnp.sum(own, axis=2), jnp.min(own, axis=2)], axis=-1)


def _of_steps(name: str, rollout: Rollout) -> Float[Array, "N S"]:
    value = rollout.signal(name)
    if value.ndim != 2 or value.shape[1] != columns(rollout):
        raise ValueError(
            f"step_facts({name!r}) needs one value a step and the signal has shape "
            f"{value.shape}; name one of the task's signals of steps"
        )
    valid = masked.speaks(rollout, name)
    return jnp.where(valid.reshape(len(value), -1), value, 0)


def _there(x: Float[Array, "N S F"], rollout: Rollout) -> Float[Array, "N S F+1"]:
    """With a first column of 1, all 0 where a step is not there."""
    there = exists(rollout)[..., None]
    return jnp.concatenate([there, jnp.where(there, x, 0)], axis=-1)
