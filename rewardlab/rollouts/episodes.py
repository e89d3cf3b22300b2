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
from rewardlab.models.lm import Apply, Params, unstacked
from rewardlab.rollouts.beliefs import beliefs
from rewardlab.rollouts.drawing import Noise, Sampling, row_keys, row_noise
from rewardlab.rollouts.state import End, EpisodeState, advance, answer, begin
from rewardlab.tasks.environment import Environment, Limits, Observation
from rewardlab.transforms.sources.signals import at_steps

Columns = dict[str, Array]  # columns of the prompts, B rows each
# Episodes, the environments' states, and those before each turn.
LoopState = tuple[EpisodeState, Any, Any]


@functools.partial(jax.jit, static_argnames=("apply", "environment", "belief"))
def rollout_episodes(
    apply: Apply,
    params: Params,
    columns: Columns,
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
    environment: Environment,
    belief: bool = False,
) -> Rollout:
    """G = num_generations episodes for each prompt, as one compiled program.

    `columns` are those of B prompts: `prompts`, `prompt_mask`, `id`, what the
    environment reads, and for a `belief` `truth` [B, L] and `truth_mask`. A row is the
    tokens of its turns as they were written, actions and observations, without gaps;
    observations are outside `mask`. `step` is the turn, an observation's that of the
    action it answers.

    Signals: each reward of the environment [N, S], valid for the turns that it scored;
    its outcomes [N], valid unless it failed; `finished` [N], `turns` [N], `ended_by`
    [N] (an `End`), `anchor` [N, S], equal where turns begin with the same observation,
    `entropy` [N, T], `turn_entropy` [N, S], its mean over the tokens of each action (so
    column k is from before tool call k, and k + 1 from after it), the likeliest tokens
    as in `rollout_completions`, if there is a reward `format`, `grounding` [N, S], its
    turns that could be executed, and, if there is a reward `call`, `is_call` [N, T]; a
    reward `agent` becomes a whole number. With `belief`, that [N, S]: see `beliefs`.

    The noise of token t is as in `rollout_completions`: an episode does not depend on
    the others in its batch or device.
    """
    params = unstacked(params)  # once, not once a token
    state, env_states, noise = init_episodes(
        apply, params, columns, key, iteration, options, environment
    )
    state, env_states, _ = run_until_done(
        state, env_states, None, apply, params, noise, options, environment
    )
    rollout = to_rollout(state, env_states, columns, iteration, environment)
    if belief:
        rollout = beliefs(
            apply, params, rollout, state.cache, columns, environment.max_turns
        )
    return rollout


def init_episodes(
    apply: Apply,
    params: Params,
    columns: Columns,
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
    environment: Environment,
) -> tuple[EpisodeState, Any, Noise]:
    """Episodes before their first token, the first states, and the noise."""
    repeat = lambda x: jnp.repeat(x, options.num_generations, axis=0)  # noqa: E731
    env_states = jax.vmap(environment.init)(jax.tree.map(repeat, columns))
    names = _reward_names(environment, env_states)
    limits, slots = environment.limits, options.max_completion_length
    state, keys = prefill_episodes(
        apply, params, columns, key, iteration, options, limits, names, slots
    )
    return state, env_states, row_noise(keys, slots, state.logits.shape[-1])


def prefill_episodes(
    apply: Apply,
    params: Params,
    columns: Columns,
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
    limits: Limits,
    rewards: tuple[str, ...],
    slots: int,
) -> tuple[EpisodeState, Array]:
    """Episodes before their first token, and the keys of their noise.

    The cache has room for `slots` tokens; `rewards` are the names of a turn's rewards.
    """
    num_generations = options.num_generations
    fresh = start(columns["prompt_mask"])
    first, cache = apply(params, columns["prompts"], fresh, last=True)
    keys = row_keys(key, iteration, columns["id"], num_generations)
    cache = cache.fork(num_generations, jnp.ones((keys.shape[0], slots), bool))
    logits = jnp.repeat(first[:, 0], num_generations, axis=0)
    return begin(cache, logits, options, limits, rewards), keys


def run_until_done(
    state: EpisodeState,
    env_states: Any,
    turn_states: Any,
    apply: Apply,
    params: Params,
    noise: Noise,
    options: Sampling,
    environment: Environment,
) -> LoopState:
    """Adds turns until every row has ended.

    `turn_states` is None, or a pytree [N, S, ...]: the state before each turn.
    """
    observe, rows = jax.vmap(environment.observe), jnp.arange(state.length.shape[0])

    def ask(state: EpisodeState, env_states: Any, turn_states: Any) -> LoopState:
        seen = observe(env_states, *state.actions(environment.action_length))
        env_states = tree_where(state.awaiting_env, seen.state, env_states)
        state = answer(state, seen, jnp.zeros_like(state.end))
        return state, env_states, keep(state, env_states, turn_states)

    def keep(state: EpisodeState, env_states: Any, turn_states: Any) -> Any:
        if turn_states is None:
            return None
        turn = jnp.where(state.end == End.NOT, state.turn, environment.max_turns)
        put = lambda x, new: x.at[rows, turn].set(new, mode="drop")  # noqa: E731
        return jax.tree.map(put, turn_states, env_states)

    def move(carry: LoopState) -> LoopState:
        state = advance(carry[0], apply, params, noise, options, environment.limits)
        some = jnp.any(state.awaiting_env)
        return lax.cond(some, ask, lambda *same: same, state, *carry[1:])

    return lax.while_loop(
        lambda carry: jnp.any(carry[0].end == End.NOT),
        move,
        (state, env_states, keep(state, env_states, turn_states)),
    )


def to_rollout(
    state: EpisodeState,
    env_states: Any,
    columns: Columns,
    iteration: Int[Array, ""],
    environment: Environment,
) -> Rollout:
    """Episodes that have ended in `env_states`, with the environment's signals."""
    scored = {name: (x, state.turn_scored) for name, x in state.rewards.items()}
    for name, x in jax.vmap(environment.outcome)(env_states).items():
        scored[name] = (x, ~state.failed & jnp.isfinite(x))
    return assemble_rollout(state, scored, columns, iteration)


def assemble_rollout(
    state: EpisodeState,
    scored: dict[str, tuple[Array, Bool[Array, "..."]]],
    columns: Columns,
    iteration: Int[Array, ""],
) -> Rollout:
    """Ended episodes as a Rollout; of `scored` (value, valid) 0 where it is invalid."""
    n, width = state.tokens.shape
    signals: dict[str, Array] = {
        "finished": (state.end == End.DONE).astype(jnp.float32),
        "turns": jnp.sum(state.turn_scored, axis=1).astype(jnp.float32),
        "ended_by": state.end,
        "anchor": state.anchor,
        "entropy": state.entropy,
        **state.top,
    }
    turns = jnp.arange(state.turn_scored.shape[1])[:, None]
    acts = state.mask[:, None] & (state.step[:, None] == turns)
    total, count = jnp.sum(jnp.where(acts, state.entropy[:, None], 0), 2), acts.sum(2)
    mean = masked.safe_divide(total, count)
    scored = {"turn_entropy": (mean, count > 0)} | scored
    for name, (value, valid) in scored.items():
        signals |= {name: jnp.where(valid, value, 0), f"{name}_valid": valid}
    if "agent" in scored:
        signals["agent"] = signals["agent"].astype(jnp.int32)
    rollout = Rollout(
        prompts=columns["prompts"],
        prompt_mask=columns["prompt_mask"],
        group=jnp.arange(n, dtype=jnp.int32) // (n // columns["prompts"].shape[0]),
        tokens=state.tokens,
        mask=state.mask,
        valid=jnp.arange(width) < state.length[:, None],
        step=state.step,
        logp=state.logp,
        signals=signals,
        iteration=jnp.asarray(iteration, jnp.int32),
    )
    if "format" in scored:
        rollout = rollout.with_signals(grounding=signals["format"])
    if "call" not in scored:
        return rollout
    called = at_steps(signals["call"], rollout) > 0
    return rollout.with_signals(is_call=(called & state.mask).astype(jnp.float32))


def tree_where(rows: Bool[Array, " N"], yes: Any, no: Any) -> Any:
    """Per row, the leaves of `yes` where `rows`, else those of `no`."""

    def leaf(a: Array, b: Array) -> Array:
        return jnp.where(rows.reshape(-1, *[1] * (b.ndim - 1)), a, b)

    return jax.tree.map(leaf, yes, no)


def _reward_names(environment: Environment, env_states: Any) -> tuple[str, ...]:
    """The names of a turn's rewards; `ValueError` if the environment's shapes
    differ."""
    state = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), env_states
    )
    action = jax.ShapeDtypeStruct((environment.action_length,), jnp.int32)
    count = jax.ShapeDtypeStruct((), jnp.int32)
    seen: Observation = jax.eval_shape(environment.observe, state, action, count)
    kind = lambda tree: jax.tree.map(lambda x: (x.shape, x.dtype), tree)  # noqa: E731
    if kind(seen.state) != kind(state):
        raise ValueError(
            f"the environment's state changes from {kind(state)} to "
            f"{kind(seen.state)}; keep shapes and types in `observe`"
        )
    expected = {"tokens": (environment.observation_length,), "length": (), "done": ()}
    shapes = {name: getattr(seen, name).shape for name in expected}
    shapes |= {f"rewards[{k!r}]": x.shape for k, x in seen.rewards.items()}
    for name, shape in shapes.items():
        if shape != expected.get(name, ()):
            raise ValueError(
                f"the environment's {name} has shape {shape} for one episode; make it "
                f"{expected.get(name, ())}"
            )
    return tuple(seen.rewards)
