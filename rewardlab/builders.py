"""Sections of a config become objectives and optimizers."""

import optax
from ml_collections import ConfigDict

from rewardlab import objectives
from rewardlab.methods import METHODS

OPTIMIZERS = {
    "adamw": lambda rate, c: optax.adamw(rate, c.b1, c.b2, weight_decay=c.weight_decay),
    "adam": lambda rate, c: optax.adam(rate, c.b1, c.b2),
    "sgd": lambda rate, c: optax.sgd(rate, c.b1),
    "lion": lambda rate, c: optax.lion(rate, c.b1, c.b2),
}
SCHEDULES = {
    "constant": lambda c, steps: optax.constant_schedule(c.lr),
    "linear": lambda c, steps: optax.linear_schedule(c.lr, 0.0, steps),
    "cosine": lambda c, steps: optax.cosine_decay_schedule(c.lr, steps),
}
AGGREGATIONS = {
    "token_mean": lambda length: objectives.token_mean,
    "sequence_mean": lambda length: objectives.sequence_mean,
    "sequence_sum": lambda length: objectives.sequence_sum,
    "constant": objectives.constant,
}


def build_objective(config: ConfigDict) -> objectives.Objective:
    """The clipped surrogate with the terms that have a weight."""
    loss = config.loss
    terms = [
        objectives.clipped_surrogate(loss.epsilon, loss.epsilon_high, loss.dual_clip)
    ]
    if loss.beta:
        terms.append(objectives.kl_loss(loss.beta, loss.kl))
    if loss.entropy:
        terms.append(objectives.entropy_bonus(loss.entropy))
    length = config.rollout.max_completion_length
    aggregate = AGGREGATIONS[aggregation_of(config)](length)
    return objectives.objective(*terms, aggregate=aggregate)


def aggregation_of(config: ConfigDict) -> str:
    """The aggregation that the config names, or else the method it trains by."""
    if config.loss.aggregation:
        return config.loss.aggregation
    method = METHODS.get(config.reward)
    return method.aggregation if method else "token_mean"


def build_optimizer(config: ConfigDict) -> optax.GradientTransformation:
    """Clipping by global norm, then the optimizer on its schedule."""
    c, steps = config.optim, config.train.max_steps * config.loss.num_iterations
    rate = SCHEDULES[c.schedule](c, max(steps - c.warmup_steps, 1))
    if c.warmup_steps:
        ramp = optax.linear_schedule(0.0, c.lr, c.warmup_steps)
        rate = optax.join_schedules([ramp, rate], [c.warmup_steps])
    return optax.chain(
        optax.clip_by_global_norm(c.max_grad_norm), OPTIMIZERS[c.name](rate, c)
    )
