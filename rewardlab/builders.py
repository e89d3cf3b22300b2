"""Sections of a config become objectives and optimizers."""

import inspect

import optax
from ml_collections import ConfigDict

from rewardlab import objectives
from rewardlab.methods import METHODS, Method

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
    "sequence_mean_all": lambda length: objectives.sequence_mean_all,
    "sequence_sum": lambda length: objectives.sequence_sum,
    "sequence_sum_all": lambda length: objectives.sequence_sum_all,
    "constant": objectives.constant,
    "constant_non_empty": objectives.constant_non_empty,
}


def build_objective(config: ConfigDict) -> objectives.Objective:
    """The policy loss with the terms that have a weight."""
    loss = config.loss
    terms = [objectives.SURROGATES[surrogate_of(config)](**options_of(config))]
    if loss.beta:
        terms.append(objectives.kl_loss(loss.beta, loss.kl, loss.kl_correct_bias))
    if loss.entropy:
        terms.append(objectives.entropy_bonus(loss.entropy))
    length = config.rollout.max_completion_length
    aggregate = AGGREGATIONS[aggregation_of(config)](length)
    return objectives.objective(*terms, aggregate=aggregate)


def reads_entropy(config: ConfigDict) -> bool:
    """Whether the objective reads the entropy of each token's distribution."""
    return config.loss.entropy != 0 or surrogate_of(config) in objectives.READS_ENTROPY


def aggregation_of(config: ConfigDict) -> str:
    """The aggregation that the config names, or else the method it trains by."""
    return config.loss.aggregation or _method_of(config).aggregation


def surrogate_of(config: ConfigDict) -> str:
    """The policy loss that the config names, or else the method it trains by."""
    return config.loss.surrogate or _method_of(config).surrogate


def options_of(config: ConfigDict) -> dict[str, float]:
    """What the config sets of the policy loss, and else the method of that loss."""
    name, method = surrogate_of(config), _method_of(config)
    own = dict(method.options) if name == method.surrogate else {}
    known = surrogate_options(name)
    return own | {k: v for k, v in config.loss.items() if k in known and v is not None}


def surrogate_options(name: str) -> list[str]:
    """The options of a policy loss: its arguments that are numbers."""
    arguments = inspect.signature(objectives.SURROGATES[name]).parameters
    return [k for k in arguments if k != "log_ratio"]


def _method_of(config: ConfigDict) -> Method:
    """The method that the config trains by; a sentence goes with the usual loss."""
    usual = Method(config.reward, title="", arxiv="", laws=(), verified="")
    return METHODS.get(config.reward, usual)


def build_optimizer(config: ConfigDict) -> optax.GradientTransformation:
    """Clipping by global norm, then the optimizer on its schedule.

    All parameters are one long vector to it: a few loops instead of a few a parameter,
    which halves what there is to compile.
    """
    c, steps = config.optim, config.train.max_steps * config.loss.num_iterations
    rate = SCHEDULES[c.schedule](c, max(steps - c.warmup_steps, 1))
    if c.warmup_steps:
        ramp = optax.linear_schedule(0.0, c.lr, c.warmup_steps)
        rate = optax.join_schedules([ramp, rate], [c.warmup_steps])
    return optax.flatten(
        optax.chain(
            optax.clip_by_global_norm(c.max_grad_norm), OPTIMIZERS[c.name](rate, c)
        )
    )
