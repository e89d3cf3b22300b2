"""Token-level DPO and the likelihood of the policy's own explanation."""

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import as_array, rollout_of
from rewardlab import objectives
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives import preference


def _side(inputs, side):
    logp, ref = (as_array(inputs[f"{k}_{side}"]) for k in ("policy", "ref"))
    mask = inputs.get(f"mask_{side}", np.ones(logp.shape))
    return preference.Side(logp, ref, jnp.asarray(np.asarray(mask) > 0))


def tgdpo(inputs, hyper):
    """Losses, and the gradient of their mean to both sides' log-probs."""
    sides = [_side(inputs, k) for k in ("chosen", "rejected")]
    guides = [as_array(inputs[f"reward_{k}"]) for k in ("chosen", "rejected")]
    options = {k: inputs.get(k, hyper.get(k)) for k in ("beta", "alpha")}

    def losses(chosen, rejected):
        pair = (sides[0]._replace(logp=chosen), sides[1]._replace(logp=rejected))
        return preference.tgdpo_loss(*pair, *guides, **options)

    logp = [side.logp for side in sides]
    grads = jax.grad(lambda *x: jnp.mean(losses(*x)), argnums=(0, 1))(*logp)
    return {
        "losses": losses(*logp),
        "grad_mean_chosen": grads[0],
        "grad_mean_rejected": grads[1],
    }


def t_reg(inputs, hyper):
    """Token rewards, the weight w and the loss of each pair."""
    sides = [_side(inputs, k) for k in ("chosen", "rejected")]
    beta, alpha = inputs["beta"], inputs["alpha"]
    rewards = [
        preference.contrast_reward(
            as_array(inputs[f"better_prompt_{k}"]),
            as_array(inputs[f"worse_prompt_{k}"]),
        )
        for k in ("chosen", "rejected")
    ]
    chosen, rejected = (preference.implicit_reward(side, beta) for side in sides)
    return {
        "token_reward_chosen": rewards[0],
        "token_reward_rejected": rewards[1],
        "weight": jax.nn.sigmoid(rejected - chosen),
        "loss_per_pair": preference.t_reg_loss(*sides, *rewards, beta, alpha),
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
