"""What episodes without one of their agents are worth: sampled beside the others."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.learning.learner import Params
from rewardlab.rollouts import Sampling
from rewardlab.runs.generate import Generator, Temperature, generator
from rewardlab.runs.switches import NOTHING_MORE
from rewardlab.scorers.makers import ABSENCES
from rewardlab.scorers.plan import Plan
from rewardlab.tasks import Task
from rewardlab.tasks.environment import Agents

_ABSENT = 2**31 - 4  # folded into a run's key: the noise of these episodes


def with_absences(
    case: tuple[Any, Task, Any, Any],
    options: Sampling,
    plan: Plan,
    draw: Generator,
    played: bool = True,
) -> Generator:
    """`draw`, with `solo` [N] and `marginal` [N, S] where somebody reads them.

    `solo` is the verdict `correct` on an episode of the row's problem without the first
    agent; `marginal` of a turn is the row's own verdict less that on an episode without
    the agent who wrote the turn. Each row has episodes of its own, whose noise is not
    the row's: N for `solo` (CCPO, arXiv 2603.21563), N for each agent for `marginal`
    (SHARP, 2602.08335). They are not learned from. `case` is as in `drawing`.
    """
    task, count = case[1], left_out(case[1], plan)
    agents = task.agents
    if agents is None or not count:
        return draw
    again, compared = generator(*case, options, 0, NOTHING_MORE, played), _with(task)

    def both(
        params: Params,
        batch: Batch,
        key: Array,
        iteration: Int[Array, ""],
        temperature: Temperature,
    ) -> Rollout:
        rollout = draw(params, batch, key, iteration, temperature)
        fewer = Batch(_without(agents, count, batch.arrays), {})
        own = jax.random.fold_in(key, _ABSENT)
        others = again(params, fewer, own, iteration, temperature)
        return compared(rollout, batch.arrays, others, fewer.arrays)

    return both


def left_out(task: Task, plan: Plan) -> int:
    """How many agents episodes are played without, one at a time."""
    wanted = plan.wanted_of("sampler")
    if task.agents is None or wanted.isdisjoint(ABSENCES):
        return 0
    return task.agents.number if "marginal" in wanted else 1


def _without(agents: Agents, count: int, arrays: dict[str, Array]) -> dict[str, Array]:
    """The problems without each of the first `count` agents, one after the other."""
    device = jax.tree.map(jnp.asarray, arrays)
    each = [agents.without(device, agent) for agent in range(count)]
    return jax.tree.map(lambda *x: jnp.concatenate(x), *each)


def _with(task: Task) -> Callable[..., Rollout]:
    """The rollout with its signals, from episodes of all its rows without agents."""

    def verdict(
        rollout: Rollout, arrays: dict[str, Array]
    ) -> tuple[Float[Array, " M"], Bool[Array, " M"]]:
        told = task.scored(rollout, arrays)
        return told.signal("correct"), masked.speaks(told, "correct")

    @jax.jit
    def compared(
        rollout: Rollout,
        arrays: dict[str, Array],
        others: Rollout,
        fewer: dict[str, Array],
    ) -> Rollout:
        own, heard = verdict(rollout, arrays)
        rows = len(own)
        without, known = (x.reshape(-1, rows).T for x in verdict(others, fewer))
        found = {"solo": without[:, 0], "solo_valid": known[:, 0]}
        if without.shape[1] > 1:
            who = rollout.signal("agent")
            at = lambda x: jnp.take_along_axis(x, who, axis=1)  # noqa: E731
            found["marginal"] = own[:, None] - at(without)
            there = heard[:, None] & at(known)
            found["marginal_valid"] = there & masked.speaks(rollout, "agent")
        return rollout.with_signals(**found)

    return compared
