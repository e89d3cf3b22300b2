"""Sections of a config become objectives and optimizers."""

import inspect
from typing import Any, NamedTuple

import optax
from jaxtyping import Array, Float
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
    "constant": lambda lr, steps: optax.constant_schedule(lr),
    "linear": lambda lr, steps: optax.linear_schedule(lr, 0.0, steps),
    "cosine": lambda lr, steps: optax.cosine_decay_schedule(lr, steps),
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


class LossOf(NamedTuple):
    """All that a config's loss is; the fields are those of `Method`."""

    surrogate: str
    options: dict[str, float]
    aggregation: str
    beta: float
    kl: str
    kl_correct_bias: bool
    entropy: float


def loss_of(config: ConfigDict) -> LossOf:
    """What the config says of the loss, and else what its method does.

    The method's options go with the method's own policy loss only.
    """
    said, method = config.loss, _method_of(config)
    surrogate = said.surrogate or method.surrogate
    own = dict(method.options) if surrogate == method.surrogate else {}
    known = surrogate_options(surrogate)
    options = {k: v for k, v in said.items() if k in known and v is not None}

    def first(name: str) -> Any:
        return getattr(method, name) if said[name] in (None, "") else said[name]

    rest = ("aggregation", "beta", "kl", "kl_correct_bias", "entropy")
    return LossOf(surrogate, own | options, *map(first, rest))


def select_of(config: ConfigDict) -> str:
    """Which rows are learned from: what the config says, and else its method."""
    return _method_of(config).select if config.select is None else config.select


def build_objective(config: ConfigDict) -> objectives.Objective:
    """The policy loss with the terms that have a weight."""
    loss = loss_of(config)
    terms = [objectives.SURROGATES[loss.surrogate](**loss.options)]
    if loss.beta:
        terms.append(objectives.kl_loss(loss.beta, loss.kl, loss.kl_correct_bias))
    if loss.entropy:
        terms.append(objectives.entropy_bonus(loss.entropy))
    length = config.rollout.max_completion_length
    aggregate = AGGREGATIONS[loss.aggregation](length)
    return objectives.objective(*terms, aggregate=aggregate)


def reads_entropy(config: ConfigDict) -> bool:
    """Whether the objective reads the entropy of each token's distribution."""
    loss = loss_of(config)
    return loss.entropy != 0 or loss.surrogate in objectives.READS_ENTROPY


def surrogate_options(name: str) -> list[str]:
    """The options of a policy loss: its arguments that are numbers."""
    arguments = inspect.signature(objectives.SURROGATES[name]).parameters
    return [k for k in arguments if k != "log_ratio"]


def _method_of(config: ConfigDict) -> Method:
    """The method that the config trains by; a sentence goes with the usual loss."""
    usual = Method(config.reward, title="", arxiv="", laws=(), verified="")
    return METHODS.get(config.reward, usual)


def build_optimizer(
    config: ConfigDict, lr: float | Float[Array, ""] | None = None
) -> optax.GradientTransformation:
    """Clipping by global norm (a norm of 0: none), then the optimizer on its schedule.

    All parameters are one long vector to it: a few loops instead of a few a parameter,
    which halves what there is to compile. `lr`, if it is traced, stands for that of the
    config.
    """
    c, steps = config.optim, config.train.max_steps * config.loss.num_iterations
    lr = c.lr if lr is None else lr
    rate = SCHEDULES[c.schedule](lr, max(steps - c.warmup_steps, 1))
    if c.warmup_steps:
        ramp = optax.linear_schedule(0.0, lr, c.warmup_steps)
        rate = optax.join_schedules([ramp, rate], [c.warmup_steps])
    norm = c.max_grad_norm
    clip = optax.clip_by_global_norm(norm) if norm else optax.identity()
    return optax.flatten(optax.chain(clip, OPTIMIZERS[c.name](rate, c)))
