"""Implicit rewards: what one language model thinks more likely than another."""

from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.types import Channels, RewardTransform, Rollout, SignalName, place
from rewardlab.transforms.sources.signals import validity


@named
def log_ratio(name: SignalName, ref: SignalName = "ref_logp") -> RewardTransform:
    """Adds channel `name`: q_t = log pi_phi(y_t) - log pi_ref(y_t) on every True token.

    Log-probs -1 and -1.5 -> 0.5.

    `name` is the signal [N, T] of log-probabilities (nats) under the reward model: a
    language model whose row total, times beta, was trained to predict the outcome. q_t
    is then the reward of token t (implicit PRM, arXiv 2412.01981). `ref` is the signal
    of its reference; "" takes the sampling policy, `rollout.logp` (iStar, arXiv
    2509.19199). This word trains nothing: the reward model has scored the batch before.
    Tokens (or rows) where `name_valid` is False abstain.
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        logp = rollout.signal(name)
        if logp.shape != rollout.mask.shape:
            raise ValueError(
                f"log_ratio({name!r}) needs a log-probability a token, "
                f"{rollout.mask.shape}, and has shape {logp.shape}"
            )
        where = rollout.mask & validity(rollout, name)
        ratio = logp - (rollout.signal(ref) if ref else rollout.logp)
        return add_channel(rewards, name, place(ratio, where))

    return stateless(source)
