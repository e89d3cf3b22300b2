"""A baseline that comes with the rollout: a critic's value, a greedy completion."""

from rewardlab.compose import named, per_channel
from rewardlab.transforms.sources.signals import validity
from rewardlab.types import Reward, RewardTransform, Rollout, SignalName, place, widen


@named
def center_by_signal(name: SignalName) -> RewardTransform:
    """r - b, with the signal `name` as b: [N], a number a row, or [N, T], a token.

    ReMax (arXiv 2310.10505) takes off the reward of the greedy completion of the same
    prompt, an actor-critic the critic's value. Where `name_valid` is False there is no
    baseline and nothing is placed.
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        baseline = rollout.signal(name)
        if baseline.shape not in (rollout.mask.shape[:1], rollout.mask.shape):
            raise ValueError(
                f"center_by_signal({name!r}) needs a number a row or a token, [N] or "
                f"[N, T], and has shape {baseline.shape}"
            )
        valid = validity(rollout, name)
        if baseline.ndim == 1 and reward.narrow is not None:
            row = reward.narrow.value - baseline[:, None]
            return widen(place(row, reward.narrow.placed & valid), reward.placed)
        baseline = baseline if baseline.ndim == 2 else baseline[:, None]
        return place(reward.value - baseline, reward.placed & valid)

    return per_channel(center)
