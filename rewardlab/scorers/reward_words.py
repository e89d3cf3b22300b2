"""The words of learned rewards, and those that stand in their brackets."""

from collections.abc import Callable
from typing import Any

from rewardlab.scorers.coalition_model import coalition_model
from rewardlab.scorers.demonstrations import demonstration_model, reference_ids
from rewardlab.scorers.made_pairs import PREFERENCES
from rewardlab.scorers.outcome_model import (
    gaussian_ensemble,
    outcome_model,
    regression_model,
)
from rewardlab.scorers.pair_losses import PAIR_LOSSES
from rewardlab.scorers.prefix_model import prefix_model
from rewardlab.scorers.reading import TRUNKS
from rewardlab.scorers.references import drawn
from rewardlab.scorers.reward_model import (
    averaged,
    co_trained,
    ensemble,
    reward_model,
)

REWARD_MODELS: dict[str, Callable[..., Any]] = {
    "averaged": averaged,
    "co_trained": co_trained,
    "coalition_model": coalition_model,
    "demonstration_model": demonstration_model,
    "ensemble": ensemble,
    "gaussian_ensemble": gaussian_ensemble,
    "outcome_model": outcome_model,
    "prefix_model": prefix_model,
    "reference_ids": reference_ids,
    "regression_model": regression_model,
    "reward_model": reward_model,
}

# What stands in the brackets of such a word and makes no signals by itself.
INSIDE: dict[str, Callable[..., Any]] = {
    "drawn": drawn,
    **PAIR_LOSSES,
    **PREFERENCES,
    **TRUNKS,
}
