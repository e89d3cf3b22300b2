"""The policy losses of verl and TRL, with their gradients."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import NoAdapter, as_array, rollout_of
from golden_adapters.loss_terms import modes
from rewardlab import objectives
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives import correction

NO_LIMIT = objectives.token_log_ratio(math.inf)
SEQUENCE = objectives.sequence_log_ratio(math.inf)


def step(losses, aggregate, mask, logp, old, advantage, **signals):
    """(loss, metrics, gradient to the log-probs) of per-token losses."""
    objective = objectives.objective(*losses, aggregate=aggregate)
    rollout = rollout_of(mask, logp=old, **signals)
    advantage = as_array(advantage)
    if advantage.ndim == 1:
        advantage = advantage[:, None]
    advantage = jnp.broadcast_to(advantage, rollout.mask.shape)

    def total(logp):
        parts, metrics = objective(TokenStats(logp, 0 * logp), rollout, advantage)
        return parts.mean(), metrics

    (value, metrics), grad = jax.jit(jax.value_and_grad(total, has_aux=True))(
        as_array(logp)
    )
    return value, {k: v.mean() for k, v in metrics.items()}, grad


def verl(make, aggregation="", **names):
    """An adapter for a loss of verl: `names` are its metrics, theirs=ours."""

    def adapt(inputs, hyper):
        mask = np.asarray(inputs["response_mask"], bool)
        mode = inputs.get("loss_agg_mode") or hyper.get("loss_agg_mode", "token-mean")
        if mode not in modes(mask):
            raise NoAdapter(f"the aggregation {mode!r}")
        average = getattr(objectives, aggregation, None)
        aggregate = average() if average else modes(mask)[mode]
        loss = make({**hyper, **{k: v for k, v in inputs.items() if v is not None}})
        signals = {}
        if inputs.get("rollout_is_weights") is not None:
            signals = {"weight": inputs["rollout_is_weights"]}
            loss = correction.weighted(loss, lambda _, r: r.signal("weight"))
        logp, old = inputs["log_prob"], inputs["old_log_prob"]
        value, metrics, grad = step(
            [loss], aggregate, mask, logp, old, inputs["advantages"], **signals
        )
        shares = {f"actor/{k}": metrics.get(ours, 0.0) for k, ours in names.items()}
        return {"loss": value, "grad_log_prob": grad, "metrics": shares}

    return adapt


def clip(o):
    return {"epsilon": o["clip_low"], "epsilon_high": o.get("clip_high")}


def of_covariance(o):
    given = {"cov_share": o["clip_cov_ratio"], "cov_low": o["clip_cov_lb"]}
    bounds = {"epsilon": o.get("clip_low", 0.2), "epsilon_high": o.get("clip_high")}
    return {**given, **bounds, "cov_high": o["clip_cov_ub"], "log_ratio": NO_LIMIT}


def gmpo(inputs, hyper):
    """Rollout weights enter by their geometric mean."""
    weight = inputs.get("rollout_is_weights")
    if weight is None:
        return GMPO(inputs, hyper)
    mask = jnp.asarray(np.asarray(inputs["response_mask"], bool))
    weight = correction.geometric_mean(as_array(weight), mask)
    return GMPO({**inputs, "rollout_is_weights": weight}, hyper)


PART = {"pg_clipfrac": "clip_ratio/region_mean", "ppo_kl": "ppo_kl"}
DUAL = {**PART, "pg_clipfrac_lower": "clip_ratio/dual_mean"}
GMPO = verl(
    lambda o: objectives.gmpo(**clip(o), log_ratio=NO_LIMIT),
    "sequence_mean_all",
    pg_clipfrac="clip_ratio/positive_mean",
    ppo_kl="ppo_kl",
    pg_clipfrac_lower="clip_ratio/negative_mean",
)


def trl_kind(inputs, mask, hyper):
    """TRL's `loss_type`: a loss and an aggregation."""
    kind = inputs["loss_type"]
    get = lambda key, default: inputs.get(key, hyper.get(key, default))  # noqa: E731
    low, high = get("eps_low", 0.2), get("eps_high", 0.2)
    level = SEQUENCE if get("level", "token") == "sequence" else NO_LIMIT
    width = get("max_completion_length", mask.shape[1])
    clipped = objectives.clipped(low, high, get("delta", None), level)
    kinds = {
        "grpo": (clipped, objectives.sequence_mean_all()),
        "bnpo": (clipped, objectives.token_mean()),
        "dapo": (clipped, objectives.token_mean()),
        "dr_grpo": (clipped, objectives.constant(width)),
        "luspo": (clipped, objectives.sequence_sum_all()),
        "cispo": (objectives.cispo(1.0, high - 1, level), objectives.token_mean()),
        "sapo": (
            objectives.sapo(get("tau_pos", 1.0), get("tau_neg", 1.05), level),
            objectives.sequence_mean_all(),
        ),
        "vespo": (
            objectives.vespo(*(get(f"vespo_{k}", get(k, d)) for k, d in VESPO.items())),
            objectives.token_mean(),
        ),
    }
    if kind not in kinds:
        raise NoAdapter(f"the loss {kind!r}")
    return kinds[kind]


VESPO = {"k_pos": 2.0, "lambda_pos": 3.0, "k_neg": 3.0, "lambda_neg": 2.0}


def trl(inputs, hyper, kl=0.0):
    """Advantages are one a row; there is no bound on log-ratios."""
    mask = np.asarray(inputs["mask"], bool)
    loss, aggregate = trl_kind(inputs, mask, hyper)
    if inputs["loss_type"] == "luspo" and inputs.get("level", "token") == "token":
        # There every column counts, padding too, times the row's length.
        length, mask = mask.sum(axis=1, keepdims=True), np.ones(mask.shape, bool)
        aggregate = lambda all_: (length * all_, jnp.sum(all_, axis=1))  # noqa: E731
    losses, signals = [loss], {}
    if inputs.get("ref") is not None and kl:
        signals = {"ref_logp": inputs["ref"]}
        correct = bool(inputs.get("use_bias_correction_kl"))
        losses.append(objectives.kl(kl, "k3_unbounded", correct, NO_LIMIT))
    value, _, grad = step(
        losses,
        aggregate,
        mask,
        inputs["new"],
        inputs["old"],
        inputs["advantages"],
        **signals,
    )
    return {"loss": value, "grad_per_token_logps": grad}


def trl_kl(inputs, hyper):
    """The GRPO loss with a KL term."""
    inputs = {"loss_type": hyper.get("loss_type", "grpo"), **inputs}
    return trl(inputs, hyper, inputs.get("beta", hyper.get("beta", 0.0)))


def trl_gspo_token(inputs, hyper):
    """The sequence's ratio in value, the token's in gradient; no bound of 10."""
    mask = np.asarray(inputs["mask"], bool)
    ratio = objectives.sequence_token_log_ratio(math.inf)
    loss = objectives.clipped(
        inputs["eps_low"], inputs["eps_high"], inputs.get("delta"), ratio
    )
    _, aggregate = trl_kind(inputs, mask, hyper)
    logp, old = inputs["new"], inputs["old"]
    value, _, grad = step([loss], aggregate, mask, logp, old, inputs["advantages"])
    return {"loss": value, "grad_per_token_logps": grad}


ADAPTERS = {
    "cispo": verl(lambda o: objectives.cispo(**clip(o)), **PART, pg_clipfrac_lower=""),
    "clip_cov": verl(
        lambda o: objectives.clip_cov(**of_covariance(o)),
        pg_clipfrac="clip_ratio/covariance_mean",
        ppo_kl="ppo_kl",
    ),
    "gmpo": gmpo,
    "gpg_loss": verl(lambda o: objectives.reinforce()),
    "gspo": verl(
        lambda o: objectives.gspo_token(**clip(o)),
        "sequence_mean",
        **PART,
        pg_clipfrac_lower="",
    ),
    "kl_cov": verl(
        lambda o: objectives.kl_cov(o["kl_cov_ratio"], o["ppo_kl_coef"], NO_LIMIT),
        ppo_kl="ppo_kl_abs",
    ),
    "ppo_clip_dual": verl(
        lambda o: objectives.clipped(
            **clip(o), dual_clip=o.get("clip_c", o.get("clip_ratio_c"))
        ),
        **DUAL,
    ),
    "reinforce_loss": verl(lambda o: objectives.reinforce(), ppo_kl="ppo_kl"),
    "sapo": verl(
        lambda o: objectives.sapo(o["tau_pos"], o["tau_neg"]),
        "sequence_mean",
        pg_clipfrac="",
        ppo_kl="ppo_kl",
        pg_clipfrac_lower="",
    ),
    "trl_gspo_token": trl_gspo_token,
    "trl_kl_bias_correction": trl_kl,
    "trl_losses": trl,
}
VERL = [name for name, adapt in ADAPTERS.items() if not name.startswith("trl")]
LOOSE_64 = {
    name: (1e-7, "its metrics and row means divide by count + 1e-8") for name in VERL
}
NAN_IS = {
    name: "a mean over nothing is 0; NaN outside the mask is unread" for name in VERL
}
