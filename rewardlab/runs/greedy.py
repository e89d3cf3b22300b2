"""What the likeliest completion of each prompt is worth: a baseline that is sampled."""

import dataclasses
from typing import Any

import jax
from jaxtyping import Array, Int

from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.learning.learner import Params
from rewardlab.rollouts import Sampling
from rewardlab.runs.absent import with_absences
from rewardlab.runs.generate import Generator, Temperature, generator
from rewardlab.runs.switches import NOTHING_MORE, Switches
from rewardlab.scorers.plan import Plan
from rewardlab.tasks import Task


def drawing(
    case: tuple[Any, Task, Any, Any],
    options: Sampling,
    switches: Switches,
    plan: Plan,
    played: bool = True,
) -> Generator:
    """How a run draws completions, with `greedy` [N] where somebody reads it.

    That is the verdict `correct` on the prompt's greedy completion, which is sampled
    beside the others, one a prompt (ReMax, arXiv 2310.10505); of episodes without one
    of their agents `with_absences` tells. `case` are the config, the task, the driver
    and the model of `generator`.
    """
    draw = generator(*case, options, 0, switches, played)
    draw = with_absences(case, options, plan, draw, played)
    if "greedy" not in plan.wanted_of("sampler"):
        return draw
    likeliest = dataclasses.replace(options, num_generations=1, temperature=0.0)
    single = generator(*case, likeliest, 0, NOTHING_MORE, played)
    judged = _verdict(case[1])

    def both(
        params: Params,
        batch: Batch,
        key: Array,
        iteration: Int[Array, ""],
        temperature: Temperature,
    ) -> Rollout:
        rollout = draw(params, batch, key, iteration, temperature)
        verdict = judged(single(params, batch, key, iteration, None), batch.arrays)
        return rollout.with_signals(greedy=verdict[rollout.group])

    return both


def _verdict(task: Task) -> Any:
    """`correct` of a rollout's rows, by the task or its environment."""

    @jax.jit
    def judged(rollout: Rollout, arrays: dict[str, Array]) -> Array:
        return task.scored(rollout, arrays).signal("correct")

    return judged
