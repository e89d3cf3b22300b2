"""PRL, SPA-RL, LaRe, BRPO, and the reward models that PAR is compared with."""

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import (
    NoAdapter,
    advantages,
    as_array,
    groups,
    per_row,
    rollout_of,
    sentence,
    values,
)
from rewardlab.core import masked
from rewardlab.reward_models import (
    averaging,
    bradley_terry,
    length_heads,
    redistribution,
)


def _mean(loss):
    return masked.mean(loss, jnp.ones(loss.shape, bool))


def prl(inputs, hyper):
    """The code's advantages at step ends, and the paper's at every token."""
    mask = np.asarray(inputs["mask"], bool)
    columns, split = np.arange(mask.shape[1]), inputs["step_split"]
    if split == "none":
        step = columns
    elif split == "length":
        step = columns // inputs["step_len"]
    else:
        raise NoAdapter(f"the token on which step_split={split!r} cuts")
    rollout = rollout_of(
        mask,
        group=groups(inputs["index"]),
        step=np.broadcast_to(step, mask.shape),
        logp=inputs["old_logprobs"],
        ref_logp=inputs["ref_logprobs"],
        correct=inputs["outcome"],
    )
    parts = {"center_by_group": "center_by_group(keep_singletons=True)"}
    if not inputs.get("norm_by_std", True):
        parts["scale_by_group_std"] = ""
    if "prm" in (inputs.get("adv"), inputs.get("prm_adv")):  # the outcome as it is
        parts = {"center_by_group": "", "scale_by_group_std": ""}
    text = sentence("prl_at_step_ends", **parts).replace("eps=eps", "eps=1e-6")
    token = text.replace(" | broadcast_step_values()", "")
    beta = {"beta": 1 / inputs["eta"]}
    each = values(token, rollout, **beta)
    return {
        "token_level_scores": np.where(masked.step_ends(rollout), each, 0),
        "advantages": advantages(text, rollout, **beta),
        "paper_token_level": each,
    }


def spa_rl(inputs, hyper):
    """Three kinds of case in one file."""
    kinds = {
        "progress_estimator": _progress_estimator,
        "step_reward_placement": _step_reward_placement,
        "fused_step_reward": _fused_step_reward,
    }
    return kinds[inputs["kind"]](inputs, hyper)


def _turns(mask):
    """Each run of the policy's tokens is a turn."""
    starts = mask & ~np.pad(mask, ((0, 0), (1, 0)))[:, :-1]
    return np.maximum(np.cumsum(starts, axis=1) - 1, 0)


def _progress_estimator(inputs, hyper):
    """The head is read at the last token of each turn."""
    mask = np.asarray(inputs["assistant_token_mask"], bool)
    ends = masked.step_ends(rollout_of(mask, step=_turns(mask)))
    features = as_array(inputs["token_features"])
    weight, bias = as_array(inputs["weight"])[0], as_array(inputs["bias"])[0]
    scores = redistribution.linear_head(features, weight, bias)
    outcome = as_array(inputs["final_reward"])
    loss = redistribution.sum_error(scores, ends, outcome)
    turns = [list(np.asarray(s)[e]) for s, e in zip(scores, np.asarray(ends))]  # noqa: B905
    return {
        "turn_values": turns,
        "prediction": masked.total(scores, ends),
        "mse_loss": _mean(loss),
    }


def _step_reward_placement(inputs, hyper):
    """Scores are read from the last turn back; KL outside the mask is not compared.

    The release weighs the k-th of K steps (from 0) by K - 1 - k, which its paper does
    not.
    """
    mask = np.asarray(inputs["response_mask"], bool)
    step = _turns(mask)
    turns = step.max(axis=1, where=mask, initial=-1) + 1
    scores = np.zeros((2, len(mask), max(turns.max(), 1)))
    for i, row in enumerate(inputs["step_scores"]):
        weights = np.arange(len(row))[::-1]
        for k in range(1, min(len(row), turns[i]) + 1):
            scores[:, i, turns[i] - k] = row[-k], row[-k] * weights[-k]
    zero = np.zeros(scores[0].shape)
    signals = {"logp": inputs["logprobs"], "ref_logp": inputs["ref_logprobs"]}
    text = sentence("spa_rl", **dict.fromkeys(ESTIMATOR, ""))
    outs = {}
    names = ("paper_rewards_weight_one", "code_rewards", "non_score")
    for name, score in zip(names, (*scores, zero), strict=True):
        rollout = rollout_of(
            mask, step=step, contribution=score, grounding=zero, **signals
        )
        found = values(text, rollout, alpha=1.0, ground=0.5, beta=inputs["kl_coef"])
        outs[name] = np.ma.masked_array(found, ~mask)
    return outs


ESTIMATOR = ("gae", "whiten")  # what stands after the rewards


def _fused_step_reward(inputs, hyper):
    """One token a step. The release has an outcome against others' for every c_k."""
    steps = len(inputs["contributions"])
    outcome = inputs["same_prompt_outcomes"]
    rows = rollout_of(per_row(outcome), correct=outcome)
    alone = "outcome('correct') | center_by_group(leave_one_out=True)"
    value = advantages(f"{alone} | broadcast_to_tokens()", rows)[:, 0]
    weights = {"alpha": inputs["alpha"], "ground": inputs["beta"], "beta": 0.0}
    text = sentence("spa_rl", **dict.fromkeys(ESTIMATOR, ""))
    out = {"code_rl_data_org_leave_one_out_value": value}
    names = ("paper_step_reward", "code_step_reward_if_contribution_replaced")
    given = (inputs["contributions"], np.full(steps, value[0]))
    for name, contribution in zip(names, given, strict=True):
        rollout = rollout_of(
            np.ones((1, steps)),
            step=np.arange(steps)[None],
            ref_logp=np.zeros((1, steps)),
            contribution=[contribution],
            grounding=[inputs["executable"]],
        )
        out[name] = values(text, rollout, **weights)[0]
    return out


def lare(inputs, hyper):
    """Losses and their gradients by each step's reward."""
    outcome, length = (as_array(inputs[k]) for k in ("episode_return", "length"))

    def loss(reward):
        mask = jnp.arange(reward.shape[-1]) < length[:, None]
        if inputs["kind"] == "rd":
            return _mean(redistribution.mean_error(reward, mask, outcome))
        if inputs["kind"] == "rrd":
            drawn = jnp.asarray(np.asarray(inputs["sampled_steps"], int))
            steps, unbiased = length.astype(int), inputs["unbiased"]
            each = redistribution.subset_error(reward, drawn, steps, outcome, unbiased)
            return _mean(each)
        together = jnp.sum(reward, axis=1)
        error = _mean(redistribution.sum_error(together, mask, outcome))
        if not inputs["variance_reg"]:
            return error
        return error + inputs["alpha"] * _mean(redistribution.spread(together, mask))

    name = "step_reward" if "step_reward" in inputs else "per_agent_step_reward"
    value, grad = jax.jit(jax.value_and_grad(loss))(as_array(inputs[name]))
    return {"loss": value, "grad": grad}


def par_models(inputs, hyper):
    """Losses of reward models, and the advantages of PAR's PPO and GRPO."""
    return PAR_KINDS[inputs["kind"]](inputs)


def _pairs(inputs):
    chosen, rejected = (as_array(inputs[k]) for k in ("chosen", "rejected"))
    loss = bradley_terry.pair_loss(chosen, rejected)
    penalty = length_heads.squared_rewards(chosen, rejected)
    return {"per_pair": loss + inputs.get("reg", 0.0) * penalty}


def _odin(inputs):
    names = ("reward_quality", "reward_length_head", "response_length", "W_Q", "W_L")
    quality, by_length, length, *heads = (as_array(inputs[k]) for k in names)
    scores = jnp.stack([quality, by_length], axis=1)
    chosen, rejected = jnp.split(scores, 2)
    weights = inputs["lambda_L"], inputs["lambda_O"]
    loss = length_heads.odin_loss
    return {
        "pearson_quality": length_heads.correlation(quality, length),
        "pearson_length": length_heads.correlation(by_length, length),
        "length_loss": length_heads.length_loss(quality, by_length, length),
        "orthogonal_loss": length_heads.orthogonality_loss(*heads),
        "vanilla_loss": loss(chosen, rejected, length, tuple(heads), 0.0, 0.0),
        "total": loss(chosen, rejected, length, tuple(heads), *weights),
    }


def _ppo(inputs):
    """Whitened with a variance over n: all rows as one group. Targets are returns."""
    signals = {"r": inputs["rewards"], "value": inputs["values"]}
    rollout = rollout_of(inputs["mask"], **signals)
    gamma, lam = inputs["gamma"], inputs["lam"]
    credit = f"gae('value', discount={gamma}, decay={lam})"
    unit = "center_by_group() | scale_by_group_std(eps=0, ddof=0, var_eps=1e-8)"
    return {
        "advantages": advantages(f"dense('r') | {credit} | {unit}", rollout),
        "returns": values(f"dense('r') | returns_to_go({gamma})", rollout),
    }


def _grpo(inputs):
    rewards = inputs["rewards"]
    group = np.arange(len(rewards)) // inputs["group_size"]
    rollout = rollout_of(per_row(rewards), group=group, score=rewards)
    text = sentence("par", overlong_penalty="", par="")
    return {"advantages_first_token": advantages(text, rollout)[:, 0]}


def _warm(inputs):
    models = [as_array(w) for w in inputs["weights"]]
    return {"merged": averaging.average_weights(models)}


PAR_KINDS = {
    "reg_loss": _pairs,
    "bt_loss": _pairs,
    "odin": _odin,
    "ppo_gae": _ppo,
    "grpo": _grpo,
    "warm_weight_average": _warm,
}

ADAPTERS = {
    "prl": prl,
    "spa_rl": spa_rl,
    "lare": lare,
    "par_reward_models": par_models,
}
NAN_IS = {
    "lare": "a row without steps has no return a step, one sample no variance",
    "par_reward_models": "a correlation with what does not vary is 0",
}
