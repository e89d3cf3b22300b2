"""Token-level DPO and the likelihood of the policy's own explanation."""

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import as_array, rollout_of
from rewardlab import objectives
from rewardlab.core import masked
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives import preference


def _rows(inputs, side):
    logp, ref = (as_array(inputs[f"{k}_{side}"]) for k in ("policy", "ref"))
    mask = inputs.get(f"mask_{side}", np.ones(logp.shape))
    return preference.Rows(logp, ref, jnp.asarray(np.asarray(mask) > 0))


def tgdpo(inputs, hyper):
    """Losses, and the gradient of their mean to both sides' log-probs."""
    chosen, rejected = (_rows(inputs, k) for k in ("chosen", "rejected"))
    guides = [as_array(inputs[f"reward_{k}"]) for k in ("chosen", "rejected")]
    options = {k: inputs.get(k, hyper.get(k)) for k in ("beta", "alpha")}

    def losses(*logp):
        pair = zip((chosen, rejected), logp, guides, strict=True)
        (good, _), (_, bad) = (
            preference.guided(rows._replace(logp=x), guide, **options)
            for rows, x, guide in pair
        )
        return preference.dpo_loss(good - bad, options["beta"])

    logp = [chosen.logp, rejected.logp]
    grads = jax.grad(lambda *x: jnp.mean(losses(*x)), argnums=(0, 1))(*logp)
    return {
        "losses": losses(*logp),
        "grad_mean_chosen": grads[0],
        "grad_mean_rejected": grads[1],
    }


def t_reg(inputs, hyper):
    """Token rewards, the weight w and the loss of each pair."""
    sides = [_rows(inputs, k) for k in ("chosen", "rejected")]
    beta, alpha = inputs["beta"], inputs["alpha"]
    rewards = [
        preference.contrast_reward(
            as_array(inputs[f"better_prompt_{k}"]),
            as_array(inputs[f"worse_prompt_{k}"]),
        )
        for k in ("chosen", "rejected")
    ]
    chosen, rejected = (preference.log_ratio(side) for side in sides)
    pulls = sum(
        masked.total(reward * side.logp, side.mask)
        for reward, side in zip(rewards, sides, strict=True)
    )
    gap = chosen - rejected
    return {
        "token_reward_chosen": rewards[0],
        "token_reward_rejected": rewards[1],
        "weight": jax.nn.sigmoid(-beta * gap),
        "loss_per_pair": preference.t_reg_loss(gap, pulls, beta, alpha),
    }


def expo(inputs, hyper):
    """The likelihood of the policy's own explanation, a second objective, is added."""
    logp = as_array(inputs["log_prob_of_self_explanation"])
    likelihood = objectives.objective(
        objectives.negative_log_likelihood(), aggregate=objectives.sequence_sum()
    )
    rollout = rollout_of(inputs["mask"])
    term, _ = likelihood(TokenStats(logp, 0 * logp), rollout, 0 * logp)
    return {"loss": inputs["grpo_loss"] + inputs["beta"] * term.mean()}


ADAPTERS = {
    "tgdpo": tgdpo,
    "t_reg": t_reg,
    "expo_sft_term": expo,
}
