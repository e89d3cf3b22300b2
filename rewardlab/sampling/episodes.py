"""Whole episodes as one compiled program: the policy acts, the environment answers."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Int

from rewardlab.models.cache import start
from rewardlab.models.lm import Apply, Params
from rewardlab.sampling.beliefs import beliefs
from rewardlab.sampling.drawing import Noise, Sampling, gumbel_noise, row_keys
from rewardlab.sampling.playing import End, Playing, advance, answer, begin
from rewardlab.tasks.environment import Environment, Observation
from rewardlab.transforms.sources.signals import at_steps
from rewardlab.types import Rollout

Facts = dict[str, Array]  # columns of the prompts, B rows each


@functools.partial(
    jax.jit, static_argnames=("apply", "options", "environment", "belief")
)
def play(
    apply: Apply,
    params: Params,
    facts: Facts,
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
    environment: Environment,
    belief: bool = False,
) -> Rollout:
    """G = num_generations episodes for each prompt, as one compiled program.

    `facts` are the columns of B prompts: `prompts`, `prompt_mask`, `id`, what the
    environment reads, and for a `belief` the tokens of the `truth` [B, L] and
    `truth_mask`. A row is the tokens of its turns as they were written, actions and
    observations, without gaps; observations are outside `mask`. `step` is the turn, an
    observation's that of the action it answers.

    Signals: each reward of the environment [N, S], valid for the turns that it judged;
    its outcomes [N], valid unless it failed; `finished` [N], `turns` [N], `ended_by`
    [N] (an `End`), `entropy` [N, T] and, if there is a reward `call`, `is_call` [N, T].
    With `belief`, the signal `belief` [N, S]: see `beliefs`.

    The noise of token t is as in `sample`: an episode does not depend on which others
    share its batch or device.
    """
    now, states, noise = opening(
        apply,
        params,
        facts,
        key,
        iteration,
        options,
        environment,
        options.max_completion_length,
    )
    observe = jax.vmap(environment.observe)

    def ask(now: Playing, states: Any) -> tuple[Playing, Any]:
        seen = observe(states, *now.actions(environment.action_length))
        states = _where(now.waiting, seen.state, states)
        return answer(now, seen, jnp.zeros_like(now.end)), states

    def move(carry: tuple[Playing, Any]) -> tuple[Playing, Any]:
        now, states = carry
        now = advance(now, apply, params, noise, options, environment)
        return lax.cond(jnp.any(now.waiting), ask, lambda *same: same, now, states)

    now, states = lax.while_loop(
        lambda carry: jnp.any(carry[0].end == End.NOT), move, (now, states)
    )
    outcome = jax.vmap(environment.outcome)(states)
    rollout = closing(now, outcome, facts, iteration)
    if belief:
        rollout = beliefs(
            apply, params, rollout, now.cache, facts, environment.max_turns
        )
    return rollout


def opening(
    apply: Apply,
    params: Params,
    facts: Facts,
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
    environment: Environment,
    slots: int,
) -> tuple[Playing, Any, Noise]:
    """Episodes before their first token, the first states, and the noise.

    `slots` is how many tokens, and waits, the cache has room for.
    """
    rows = options.num_generations
    first, cache = apply(params, facts["prompts"], start(facts["prompt_mask"]))
    keys = row_keys(key, iteration, facts["id"], rows)
    noise = gumbel_noise(keys, options.max_completion_length, first.shape[-1])
    cache = cache.fork(rows, jnp.ones((keys.shape[0], slots), bool))
    own = jax.tree.map(lambda x: jnp.repeat(x, rows, axis=0), facts)
    states = jax.vmap(environment.init)(own)
    names = _reward_names(environment, states)
    logits = jnp.repeat(first[:, -1], rows, axis=0)
    return begin(cache, logits, options, environment, names), states, noise


def closing(
    now: Playing, outcome: dict[str, Array], facts: Facts, iteration: Int[Array, ""]
) -> Rollout:
    """Episodes that have ended, as a Rollout with the environment's signals."""
    n, width = now.tokens.shape
    valid = jnp.arange(width) < now.length[:, None]
    failed = (now.end == End.ERROR) | (now.end == End.TIMEOUT)
    signals: dict[str, Array] = {
        "finished": (now.end == End.DONE).astype(jnp.float32),
        "turns": jnp.sum(now.taken, axis=1).astype(jnp.float32),
        "ended_by": now.end,
        "entropy": now.entropy,
    }
    for name, value in now.rewards.items():
        signals |= {name: value, f"{name}_valid": now.taken}
    for name, value in outcome.items():
        fine = ~failed & jnp.isfinite(value)
        signals |= {name: jnp.where(fine, value, 0), f"{name}_valid": fine}
    rollout = Rollout(
        prompts=facts["prompts"],
        prompt_mask=facts["prompt_mask"],
        group=jnp.arange(n, dtype=jnp.int32) // (n // facts["prompts"].shape[0]),
        tokens=now.tokens,
        mask=now.mask,
        valid=valid,
        step=now.step,
        logp=now.logp,
        signals=signals,
        iteration=jnp.asarray(iteration, jnp.int32),
    )
    if "call" not in now.rewards:
        return rollout
    called = at_steps(now.rewards["call"], rollout) > 0
    return rollout.with_signals(is_call=(called & now.mask).astype(jnp.float32))


def _where(rows: Bool[Array, " N"], yes: Any, no: Any) -> Any:
    """Some rows of one pytree, the others of another."""

    def leaf(a: Array, b: Array) -> Array:
        return jnp.where(rows.reshape(-1, *[1] * (b.ndim - 1)), a, b)

    return jax.tree.map(leaf, yes, no)


def _reward_names(environment: Environment, states: Any) -> tuple[str, ...]:
    """The rewards of a turn; a `ValueError` for an environment of a wrong shape."""
    state = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), states)
    action = jax.ShapeDtypeStruct((environment.action_length,), jnp.int32)
    count = jax.ShapeDtypeStruct((), jnp.int32)
    seen: Observation = jax.eval_shape(environment.observe, state, action, count)
    kind = lambda tree: jax.tree.map(lambda x: (x.shape, x.dtype), tree)  # noqa: E731
    if kind(seen.state) != kind(state):
        raise ValueError(
            f"the environment's state changes from {kind(state)} to "
            f"{kind(seen.state)}; keep shapes and types in `observe`"
        )
    wanted = {"tokens": (environment.observation_length,), "length": (), "done": ()}
    shapes = {name: getattr(seen, name).shape for name in wanted}
    shapes |= {f"rewards[{k!r}]": x.shape for k, x in seen.rewards.items()}
    for name, shape in shapes.items():
        if shape != wanted.get(name, ()):
            raise ValueError(
                f"the environment's {name} has shape {shape} for one episode; make it "
                f"{wanted.get(name, ())}"
            )
    return tuple(seen.rewards)
