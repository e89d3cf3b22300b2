"""Credit: which tokens a reward is for."""

from rewardlab.core.types import Table
from rewardlab.transforms.credit.accumulate import accumulate
from rewardlab.transforms.credit.decomposed import decomposed_gae
from rewardlab.transforms.credit.gae import gae, step_gae
from rewardlab.transforms.credit.length_adaptive import length_adaptive_gae
from rewardlab.transforms.credit.prefix import share_prefixes
from rewardlab.transforms.credit.redistribute import redistribute_within_row
from rewardlab.transforms.credit.returns import returns_to_go, step_returns_to_go
from rewardlab.transforms.credit.spread import broadcast_to_tokens, zero_step_ends
from rewardlab.transforms.credit.sqrt_returns import sqrt_step_returns_to_go
from rewardlab.transforms.credit.step_values import (
    broadcast_step_values,
    step_advantage,
)
from rewardlab.transforms.credit.within_steps import returns_within_steps

CREDIT: Table = {
    "broadcast_to_tokens": broadcast_to_tokens,
    "gae": gae,
    "step_gae": step_gae,
    "length_adaptive_gae": length_adaptive_gae,
    "returns_to_go": returns_to_go,
    "step_returns_to_go": step_returns_to_go,
    "returns_within_steps": returns_within_steps,
    "sqrt_step_returns_to_go": sqrt_step_returns_to_go,
    "share_prefixes": share_prefixes,
    "broadcast_step_values": broadcast_step_values,
    "step_advantage": step_advantage,
    "zero_step_ends": zero_step_ends,
    "accumulate": accumulate,
    "decomposed_gae": decomposed_gae,
    "redistribute_within_row": redistribute_within_row,
}
