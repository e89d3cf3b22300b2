"""Words that no method needs: tested as the others are, but they may change or go."""

from rewardlab.contrib.adaptive_kl_penalty import adaptive_kl_penalty
from rewardlab.contrib.bonus_while_rare import bonus_while_rare
from rewardlab.contrib.brevity import shorter_than_correct, shorter_than_group
from rewardlab.contrib.cross_entropy import cross_entropy
from rewardlab.contrib.extremes import minmax_by_history, minmax_by_padded_row
from rewardlab.contrib.first_steps import scale_by_first_steps_std
from rewardlab.contrib.length_penalty import length_penalty
from rewardlab.contrib.mean_credit import mean_credit
from rewardlab.contrib.mean_of import mean_of
from rewardlab.contrib.min_to_go import min_to_go
from rewardlab.contrib.references import (
    minus_reference_mean,
    minus_reference_normal_quantile,
)
from rewardlab.contrib.scale_losses import scale_losses
from rewardlab.contrib.signed_proximity import signed_proximity
from rewardlab.contrib.squash import fitted_polynomial, tanh
from rewardlab.contrib.team_spirit import team_spirit
from rewardlab.contrib.worst_mean_of import worst_mean_of
from rewardlab.core.types import Table

# Credit and baselines, which end the reward that a sentence trains on.
LATER: Table = {
    "min_to_go": min_to_go,
    "scale_by_first_steps_std": scale_by_first_steps_std,
}
CONTRIB: Table = {
    **LATER,
    "adaptive_kl_penalty": adaptive_kl_penalty,
    "bonus_while_rare": bonus_while_rare,
    "cross_entropy": cross_entropy,
    "fitted_polynomial": fitted_polynomial,
    "worst_mean_of": worst_mean_of,
    "length_penalty": length_penalty,
    "mean_credit": mean_credit,
    "mean_of": mean_of,
    "minmax_by_history": minmax_by_history,
    "minmax_by_padded_row": minmax_by_padded_row,
    "minus_reference_mean": minus_reference_mean,
    "minus_reference_normal_quantile": minus_reference_normal_quantile,
    "scale_losses": scale_losses,
    "shorter_than_correct": shorter_than_correct,
    "shorter_than_group": shorter_than_group,
    "signed_proximity": signed_proximity,
    "tanh": tanh,
    "team_spirit": team_spirit,
}
