"""How surprised a model is by a completion, in nats a token."""

from rewardlab.core.compose import named
from rewardlab.core.types import RewardTransform, SignalName
from rewardlab.transforms.sources.surprise import per_row


@named
def cross_entropy(name: SignalName = "") -> RewardTransform:
    """Adds channel `name`: -mean_t log p_t over the row's True tokens, nats a token."""
    return per_row(name, lambda surprise: surprise)
