"""Whole episodes as one compiled program: the policy acts, the environment answers."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Int

from rewardlab.core import masked
from rewardlab.core.types import Rollout
from rewardlab.models.cache import start
from rewardlab.models.lm import Apply, Params
from rewardlab.rollouts.beliefs import beliefs
from rewardlab.rollouts.drawing import Noise, Sampling, gumbel_noise, row_keys
from rewardlab.rollouts.playing import End, Playing, advance, answer, begin
from rewardlab.tasks.environment import Environment, Limits, Observation
from rewardlab.transforms.sources.signals import at_steps

Facts = dict[str, Array]  # columns of the prompts, B rows each
Carry = tuple[Playing, Any, Any]  # episodes, their states, those before each turn


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
    [N] (an `End`), `anchor` [N, S], the same number where turns begin with the same
    observation, `entropy` [N, T], `turn_entropy` [N, S], its mean over the tokens of
    each action (so column k is from before tool call k, and k + 1 from after it), and,
    if there is a reward `call`, `is_call` [N, T]. With `belief`, the signal `belief`
    [N, S]: see `beliefs`.

    The noise of token t is as in `sample`: an episode does not depend on which others
    share its batch or device.
    """
    now, states, noise = unplayed(
        apply, params, facts, key, iteration, options, environment
    )
    now, states, _ = to_the_end(
        now, states, None, apply, params, noise, options, environment
    )
    rollout = played(now, states, facts, iteration, environment)
    if belief:
        rollout = beliefs(
            apply, params, rollout, now.cache, facts, environment.max_turns
        )
    return rollout


def unplayed(
    apply: Apply,
    params: Params,
    facts: Facts,
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
    environment: Environment,
) -> tuple[Playing, Any, Noise]:
    """Episodes before their first token, the first states, and the noise."""
    repeat = lambda x: jnp.repeat(x, options.num_generations, axis=0)  # noqa: E731
    states = jax.vmap(environment.init)(jax.tree.map(repeat, facts))
    names = _reward_names(environment, states)
    limits, slots = environment.limits, options.max_completion_length
    now, keys = opening(
        apply, params, facts, key, iteration, options, limits, names, slots
    )
    return now, states, gumbel_noise(keys, slots, now.logits.shape[-1])


def opening(
    apply: Apply,
    params: Params,
    facts: Facts,
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
    limits: Limits,
    rewards: tuple[str, ...],
    slots: int,
) -> tuple[Playing, Array]:
    """Episodes before their first token, and the keys of their noise.

    The cache has room for `slots` tokens and waits; `rewards` names those of a turn.
    """
    rows = options.num_generations
    first, cache = apply(params, facts["prompts"], start(facts["prompt_mask"]))
    keys = row_keys(key, iteration, facts["id"], rows)
    cache = cache.fork(rows, jnp.ones((keys.shape[0], slots), bool))
    logits = jnp.repeat(first[:, -1], rows, axis=0)
    return begin(cache, logits, options, limits, rewards), keys


def to_the_end(
    now: Playing,
    states: Any,
    past: Any,
    apply: Apply,
    params: Params,
    noise: Noise,
    options: Sampling,
    environment: Environment,
) -> Carry:
    """Plays until every row has ended.

    `past` is None, or a pytree [N, S, ...] that keeps the state before each turn.
    """
    observe, rows = jax.vmap(environment.observe), jnp.arange(now.length.shape[0])

    def ask(now: Playing, states: Any, past: Any) -> Carry:
        seen = observe(states, *now.actions(environment.action_length))
        states = choose_rows(now.waiting, seen.state, states)
        now = answer(now, seen, jnp.zeros_like(now.end))
        return now, states, keep(now, states, past)

    def keep(now: Playing, states: Any, past: Any) -> Any:
        if past is None:
            return None
        turn = jnp.where(now.end == End.NOT, now.turn, environment.max_turns)
        put = lambda x, new: x.at[rows, turn].set(new, mode="drop")  # noqa: E731
        return jax.tree.map(put, past, states)

    def move(carry: Carry) -> Carry:
        now = advance(carry[0], apply, params, noise, options, environment.limits)
        some = jnp.any(now.waiting)
        return lax.cond(some, ask, lambda *same: same, now, *carry[1:])

    return lax.while_loop(
        lambda carry: jnp.any(carry[0].end == End.NOT),
        move,
        (now, states, keep(now, states, past)),
    )


def played(
    now: Playing,
    states: Any,
    facts: Facts,
    iteration: Int[Array, ""],
    environment: Environment,
) -> Rollout:
    """Episodes that have ended in `states`, with the environment's signals."""
    judged = {name: (x, now.taken) for name, x in now.rewards.items()}
    for name, x in jax.vmap(environment.outcome)(states).items():
        judged[name] = (x, ~now.failed & jnp.isfinite(x))
    return closing(now, judged, facts, iteration)


def closing(
    now: Playing,
    judged: dict[str, tuple[Array, Bool[Array, "..."]]],
    facts: Facts,
    iteration: Int[Array, ""],
) -> Rollout:
    """Episodes that have ended, as a Rollout; `judged` are signals and their validity.

    A value that is not valid is written as 0.
    """
    n, width = now.tokens.shape
    signals: dict[str, Array] = {
        "finished": (now.end == End.DONE).astype(jnp.float32),
        "turns": jnp.sum(now.taken, axis=1).astype(jnp.float32),
        "ended_by": now.end,
        "anchor": now.anchor,
        "entropy": now.entropy,
    }
    turns = jnp.arange(now.taken.shape[1])[:, None]
    acts = now.mask[:, None] & (now.step[:, None] == turns)
    count = jnp.sum(acts, axis=2)
    mean = masked.safe_divide(
        jnp.sum(jnp.where(acts, now.entropy[:, None], 0), 2), count
    )
    judged = {"turn_entropy": (mean, count > 0)} | judged
    for name, (value, valid) in judged.items():
        signals |= {name: jnp.where(valid, value, 0), f"{name}_valid": valid}
    rollout = Rollout(
        prompts=facts["prompts"],
        prompt_mask=facts["prompt_mask"],
        group=jnp.arange(n, dtype=jnp.int32) // (n // facts["prompts"].shape[0]),
        tokens=now.tokens,
        mask=now.mask,
        valid=jnp.arange(width) < now.length[:, None],
        step=now.step,
        logp=now.logp,
        signals=signals,
        iteration=jnp.asarray(iteration, jnp.int32),
    )
    if "call" not in judged:
        return rollout
    called = at_steps(signals["call"], rollout) > 0
    return rollout.with_signals(is_call=(called & now.mask).astype(jnp.float32))


def choose_rows(rows: Bool[Array, " N"], yes: Any, no: Any) -> Any:
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
