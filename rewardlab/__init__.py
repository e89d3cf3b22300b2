"""What optax is for gradients, for rewards: methods are sentences of small transforms.

advantage = rewardlab.estimator(rewardlab.resolve("grpo"))
state = advantage.init(rollout)
per_token, state = advantage.update({}, state, rollout)
"""

from rewardlab.compose import (
    chain,
    estimator,
    gate,
    named_chain,
    on,
    on_one,
    per_channel,
    probe,
    running,
    stateless,
    weighted_sum,
)
from rewardlab.config import default_config
from rewardlab.methods import LAWS, METHODS, Method, resolve
from rewardlab.sentence import build, describe, hyperparameters, reads
from rewardlab.tasks.host import TextReward
from rewardlab.train import Result, train
from rewardlab.transforms import TRANSFORMS
from rewardlab.types import Channels, Reward, RewardTransform, Rollout, Sum, place

__all__ = [
    "LAWS",
    "METHODS",
    "TRANSFORMS",
    "Channels",
    "Method",
    "Result",
    "Reward",
    "RewardTransform",
    "Rollout",
    "Sum",
    "TextReward",
    "build",
    "chain",
    "default_config",
    "describe",
    "estimator",
    "gate",
    "hyperparameters",
    "named_chain",
    "on",
    "on_one",
    "per_channel",
    "place",
    "probe",
    "reads",
    "resolve",
    "running",
    "stateless",
    "train",
    "weighted_sum",
]
