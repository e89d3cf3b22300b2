"""Made-up rollouts, and laws to try on transforms of one's own.

rollout = rewardlab.testing.ragged()
rewardlab.testing.check("outcome('correct') | center_by_group()").passed
"""

from rewardlab.testing.checking import Checked, check
from rewardlab.testing.rollouts import as_jax, batch, from_arrays, ragged

__all__ = ["Checked", "as_jax", "batch", "check", "from_arrays", "ragged"]
