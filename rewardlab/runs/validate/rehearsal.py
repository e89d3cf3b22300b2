"""The reward of a run on shapes: what it lacks is said before anything runs."""

import jax

from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.models import lm
from rewardlab.runs.program import Program


def rehearse(program: Program, batch: Batch) -> Rollout:
    """The shapes of a rollout in training, which the reward has gone through.

    `ValueError`, in one sentence, for a signal that has another shape than its reader
    needs, and for channels that the sentence leaves apart.
    """
    key = jax.random.key(0)
    params = jax.eval_shape(lambda key: lm.init(program.model, key), key)
    rollout = program.shapes(params, batch, program.hp)
    program.learner.rehearse(rollout, program.hp)
    return rollout
