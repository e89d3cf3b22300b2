"""Sources: signals become reward channels."""

from rewardlab.core.types import Table
from rewardlab.transforms.sources.average import average
from rewardlab.transforms.sources.belief import information_gain
from rewardlab.transforms.sources.budgets import budget_returns
from rewardlab.transforms.sources.dense import dense
from rewardlab.transforms.sources.kl import kl_penalty
from rewardlab.transforms.sources.log_ratio import log_ratio
from rewardlab.transforms.sources.members import members, min_uncertainty_member
from rewardlab.transforms.sources.prefix_gain import prefix_gain
from rewardlab.transforms.sources.progress import progress
from rewardlab.transforms.sources.ranking import entropy_ranking
from rewardlab.transforms.sources.ratings import rated_share
from rewardlab.transforms.sources.record import new_best
from rewardlab.transforms.sources.repetition import repetition
from rewardlab.transforms.sources.rubric import rubric
from rewardlab.transforms.sources.signals import outcome, process
from rewardlab.transforms.sources.surprise import perplexity
from rewardlab.transforms.sources.tools import tool_efficiency, tool_efficiency_by_group
from rewardlab.transforms.sources.votes import majority_vote

SOURCES: Table = {
    "outcome": outcome,
    "process": process,
    "dense": dense,
    "information_gain": information_gain,
    "progress": progress,
    "new_best": new_best,
    "entropy_ranking": entropy_ranking,
    "kl_penalty": kl_penalty,
    "log_ratio": log_ratio,
    "budget_returns": budget_returns,
    "average": average,
    "majority_vote": majority_vote,
    "perplexity": perplexity,
    "repetition": repetition,
    "members": members,
    "min_uncertainty_member": min_uncertainty_member,
    "rubric": rubric,
    "tool_efficiency": tool_efficiency,
    "tool_efficiency_by_group": tool_efficiency_by_group,
    "prefix_gain": prefix_gain,
    "rated_share": rated_share,
}
