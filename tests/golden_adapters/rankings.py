"""Pairs and rankings: losses of reward models, hierarchies, shared encoders."""

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import NoAdapter, as_array
from rewardlab.reward_models import bradley_terry as bt
from rewardlab.reward_models import cream as creams
from rewardlab.reward_models import general_preference, heron, min_norm
from rewardlab.reward_models import pal as pals


def rm_losses(inputs, hyper):
    """Labelled pairs; penalties are summed over rewards and divided by pairs there."""
    if "label" in inputs:
        first, second, label = (
            as_array(inputs[k]) for k in ("r_first", "r_second", "label")
        )
        chosen, rejected, strength = bt.signed_pair(first, second, label)
        plain = bt.pair_loss(chosen, rejected)
        return {
            "regular_bt": jnp.mean(plain),
            "margin_bt": jnp.mean(bt.pair_loss(chosen, rejected, strength)),
            "scaled_bt": jnp.mean(strength * plain),
        }
    if "chosen" not in inputs or "rejected" not in inputs:
        raise NoAdapter(f"inputs {sorted(inputs)}")
    chosen, rejected = as_array(inputs["chosen"]), as_array(inputs["rejected"])
    pairs = max(chosen.size, 1)
    both = jnp.concatenate([chosen.ravel(), rejected.ravel()])
    ranking = jnp.mean(bt.pair_loss(chosen, rejected))
    return {
        "ranking": ranking,
        "ranking_loss": ranking,
        "logexp": ranking,
        "focal": jnp.mean(bt.focal_loss(chosen, rejected)),
        "focal_loss": jnp.mean(bt.focal_loss(chosen, rejected)),
        "log_barrier": jnp.sum(bt.log_barrier(both)) / pairs,
        "log_barrier_penalty": jnp.sum(bt.log_barrier(both)) / pairs,
        "l2": jnp.sum(both**2) / pairs,
        "l2_penalty": jnp.sum(both**2) / pairs,
        "centering": jnp.mean(bt.centring(chosen, rejected)),
    }


def gpm(inputs, hyper):
    """Every loss class of the reference is the same score, another tau or target."""
    if "chosen[B,d]" not in inputs:
        raise NoAdapter(f"inputs {sorted(inputs)}")
    chosen, rejected = (as_array(inputs[f"{k}[B,d]"]) for k in ("chosen", "rejected"))
    tau, target = hyper["tau"], hyper["target_margin"]
    score = general_preference.preference_score(chosen, rejected)
    loss = general_preference.preference_loss
    share = general_preference.preference_probability(score, tau)
    out = {
        "score": score,
        "prob_tau0.1": share,
        "loss": jnp.mean(loss(score, tau)),
        "mean_prob": jnp.mean(share),
        "loss_margin0.3": jnp.mean(loss(score, tau, 0.3)),
        "GeneralPreferenceLoss_tau1": jnp.mean(loss(score, 1.0)),
    }
    regression = general_preference.preference_regression(score, tau, target)
    moved = general_preference.preference_regression(score, tau, 0.3 / tau)
    return out | {
        "regression_loss": jnp.mean(regression),
        "regression_loss_margin0.3": jnp.mean(moved),
    }


def pal(inputs, hyper):
    """The mixture, with distances and with angles."""
    if "prototypes[K,d]" not in inputs:
        raise NoAdapter(f"inputs {sorted(inputs)}")
    user, prototypes = (as_array(inputs[k]) for k in ("user_logits[B,K]", PROTOTYPES))
    items = [as_array(inputs[f"{side}[B,d]"]) for side in ("left", "right")]
    y = as_array(inputs["y(+1=right preferred,-1=left)"])
    ideal = pals.ideal_point(user, prototypes)
    near = jnp.stack([pals.distance_reward(item, ideal) for item in items])
    towards = near[1] - near[0]
    scale = jnp.log(as_array(inputs["logit_scale"]))
    angle = jnp.stack([pals.angle_reward(item, ideal, scale) for item in items], axis=1)
    turned = angle[:, 1] - angle[:, 0]
    return {
        "w": jax.nn.softmax(user, axis=-1),
        "ideal_point": ideal,
        "dist": {
            "y_hat=dl-dr": towards,
            "hinge": pals.hinge(towards, y),
            "hinge_smooth_gamma5": pals.smooth_hinge(towards, y),
            "logistic": pals.logistic(towards, y),
            "item_reward=-dist": near,
        },
        "angle": {
            "logits": angle,
            "ce": pals.logistic(turned, y),
            "angle_hinge_y_hat": turned,
        },
    }


PROTOTYPES = "prototypes[K,d]"


def heron_labels(inputs, hyper):
    """The loss follows the code, whose levels 3 and 4 have the second tolerance."""
    scores = as_array(inputs["scores[n]"])
    factors = as_array(inputs["factors[n,k](most important first)"])
    partner = np.asarray(inputs["pair_j"])
    share = np.broadcast_to(np.asarray(inputs["sigma"], float), factors.shape[1])
    reused = np.concatenate([share[:1], np.repeat(share[1:2], len(share) - 1)])

    def labels(share):
        tolerance = heron.tolerances(factors, as_array(share))
        return heron.hierarchy_label(factors, factors[partner], tolerance)

    loss, accuracy = heron.hierarchy_loss(scores, scores[partner], labels(reused))
    return {
        "loss": loss,
        "acc": accuracy,
        "labels_code(levels>=3 use sigma[1])": labels(reused),
        "labels_paper(own delta per level)": labels(share),
    }


def more_mgda(inputs, hyper):
    """Frank-Wolfe, step by step as there; losses for the divisors are 0.5, 0.6, ..."""
    grads = as_array(inputs["grads[task,d]"])
    tasks = grads.shape[0]
    losses = as_array(inputs.get("losses", 0.5 + 0.1 * np.arange(tasks)))
    solve = jax.jit(min_norm.min_norm_weights, static_argnums=(1, 2))
    found = solve(grads, hyper["max_iter"], hyper["stop"])
    mixed = found.weights @ grads
    out = {
        "lambda": found.weights,
        "cost": found.cost,
        "norm_sq_at_lambda": jnp.sum(mixed**2),
    }
    for name, divisor in min_norm.DIVISORS.items():
        out[f"normalized[{name}]"] = grads / divisor(grads, losses)[:, None]
    return out


def cream(inputs, hyper):
    """Rankings of two models; `toporder_code` compares the two ends of the list."""
    if "score1" not in inputs:
        return _cream_loss(inputs)
    now, before = as_array(inputs["score1"]), as_array(inputs["score2"])
    a, b = creams.ordinal_rank(now), creams.ordinal_rank(before)
    return {
        "rank1": a,
        "rank2": b,
        "kendall01": creams.kendall_consistency(now, before),
        "spearman01": creams.spearman_consistency(now, before),
        "toporder_code": (a[0] == b[0]) & (a[-1] == b[-1]),
        "toporder_paper": creams.top_consistency(now, before),
    }


def _cream_loss(inputs):
    """A consistency with the logit of the pair, or with the four log-probs of it."""
    share = next((v for k, v in inputs.items() if k.lower() in CONSISTENCY), None)
    logit = next((v for k, v in inputs.items() if k.lower() in LOGIT), None)
    rows = [inputs.get(k) for k in ("logp_w", "ref_w", "logp_l", "ref_l")]
    if share is None or (logit is None and None in rows):
        raise NoAdapter(f"inputs {sorted(inputs)}")
    if logit is None:
        z = creams.preference_logit(*map(as_array, rows), inputs.get("beta", 0.1))
    else:
        z = as_array(logit)
    loss = creams.consistency_loss(z, as_array(share))
    return {"loss": loss, "losses": loss}


CONSISTENCY, LOGIT = ("c", "consistency"), ("z", "logit", "logits")


ADAPTERS = {
    "rm_losses": rm_losses,
    "gpm": gpm,
    "pal": pal,
    "heron": heron_labels,
    "more_mgda": more_mgda,
    "cream": cream,
}
LOOSE_32 = {
    "more_mgda": (1e-3, "the search stops when a step is under 1e-5: steps differ"),
}
NAN_IS = {
    "cream": "one completion has nothing to agree on: 1/2",
    "heron": "a batch of one has tolerance 0",
}
