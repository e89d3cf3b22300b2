"""What optax is for gradients, for rewards: methods are sentences of small transforms.

advantage = rewardlab.estimator(rewardlab.resolve("grpo"))
state = advantage.init(rollout)
per_token, state = advantage.update({}, state, rollout)
"""

import importlib
from typing import TYPE_CHECKING, Any

from rewardlab.core.compose import (
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
from rewardlab.core.types import (
    Channels,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    Static,
    Sum,
    place,
)
from rewardlab.methods import LAWS, METHODS, Method, resolve
from rewardlab.methods.outside import words_at_hand
from rewardlab.methods.sentence import build, describe, hyperparameters, reads
from rewardlab.transforms import TRANSFORMS

if TYPE_CHECKING:
    from rewardlab.audits import audit
    from rewardlab.launch.configs import load_config
    from rewardlab.runs.config import default_config
    from rewardlab.runs.training import Result, train
    from rewardlab.scorers.text_rewards import TextReward
    from rewardlab.show.report import report
    from rewardlab.show.rescore import Rescored, rescore
    from rewardlab.testing import check

__version__ = "0.1.0"

# Runs need data sets, plots and checkpoints, which take as long to import as JAX. They
# are imported when they are asked for, so that transforms do not wait for them.
_OF_RUNS = {
    "Rescored": "show.rescore",
    "Result": "runs.training",
    "TextReward": "scorers.text_rewards",
    "audit": "audits",
    "check": "testing",
    "default_config": "runs.config",
    "load_config": "launch.configs",
    "report": "show.report",
    "rescore": "show.rescore",
    "train": "runs.training",
}


def __getattr__(name: str) -> Any:
    if name not in _OF_RUNS:
        raise AttributeError(f"module 'rewardlab' has no attribute {name!r}")
    return getattr(importlib.import_module(f"rewardlab.{_OF_RUNS[name]}"), name)


__all__ = [
    "LAWS",
    "METHODS",
    "TRANSFORMS",
    "Channels",
    "Method",
    "Rescored",
    "Result",
    "Reward",
    "RewardTransform",
    "Rollout",
    "SignalName",
    "Static",
    "Sum",
    "TextReward",
    "audit",
    "build",
    "chain",
    "check",
    "default_config",
    "describe",
    "estimator",
    "gate",
    "hyperparameters",
    "load_config",
    "named_chain",
    "on",
    "on_one",
    "per_channel",
    "place",
    "probe",
    "reads",
    "report",
    "rescore",
    "resolve",
    "running",
    "stateless",
    "train",
    "weighted_sum",
    "words_at_hand",
]
