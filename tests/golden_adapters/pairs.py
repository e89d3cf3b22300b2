"""Learners on pairs: which pairs there are, and what is made of their log-probs."""

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import NoAdapter, as_array, rollout_of
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives import pair_losses, pairs, preference

LOSSES = {
    "dpo": preference.dpo_loss,
    "ipo": preference.ipo_loss,
    "hinge": preference.hinge_loss,
}


def learned_pairs(inputs, hyper):
    """Four kinds of case in one file."""
    kinds = {
        "optimistic_dpo": _optimistic,
        "pairs_of_group": _of_group,
        "pairs_of_siblings": _of_siblings,
        "pair_loss": _loss,
    }
    return kinds[inputs["kind"]](inputs)


def _optimistic(inputs):
    """Prompts of a chosen and a rejected row of one token, and rows that were drawn."""
    sides = ("chosen", "rejected", "drawn")
    logp = [as_array(inputs[f"{side}_logp"]) for side in sides]
    refs = [as_array(inputs[f"ref_{side}_logp"]) for side in sides]
    count, beta = len(logp[0]), inputs["beta"]
    two = rollout_of(
        np.ones((2 * count, 1)),
        group=np.repeat(np.arange(count), 2),
        correct=np.tile([1.0, 0.0], count),
        ref_logp=jnp.stack(refs[:2], axis=1).reshape(-1, 1),
    )
    rows = np.arange(count)
    one = rollout_of(np.ones((count, 1)), group=rows, ref_logp=refs[2][:, None])
    push = pair_losses.optimism(1.0, ref="ref_logp")

    def loss(chosen, rejected, drawn):
        both = jnp.stack([chosen, rejected], axis=1).reshape(-1, 1)
        pair = pair_losses.dpo(beta).loss(_stats(both), two, None)[0]
        away = push.loss(_stats(drawn[:, None]), one, None)[0]
        return pair.mean() + inputs["alpha"] * beta * away.mean()

    grads = jax.grad(loss, argnums=(0, 1, 2))(*logp)
    names = [f"gradient_{side}" for side in sides]
    return {"loss": loss(*logp), **dict(zip(names, grads, strict=True))}


def _stats(logp):
    return TokenStats(logp, jnp.zeros(logp.shape))


def _of_group(inputs):
    score = as_array(inputs["score"])
    found = pairs.WHICH[inputs["rule"]](score, jnp.ones(score.shape, bool))
    return {"pairs": _listed(found)}


def _listed(found):
    """[chosen, rejected] as numbers of all units, prompt by prompt."""
    prompt, chosen, rejected = np.nonzero(np.asarray(found))
    start = prompt * found.shape[1]
    return np.stack([start + chosen, start + rejected], axis=1)


def _of_siblings(inputs):
    """Steps by the node that they follow, and what each is worth."""
    follows = [inputs[k] for k in ("parent", "node", "fork") if k in inputs]
    worth = [inputs[k] for k in ("score", "value", "step_value") if k in inputs]
    if not follows or not worth or np.shape(follows[0]) != np.shape(worth[0]):
        raise NoAdapter("siblings of another form")
    parent = jnp.atleast_2d(jnp.asarray(follows[0]))
    there = jnp.ones(parent.shape, bool)
    score = jnp.atleast_2d(as_array(worth[0]))
    return {"pairs": _listed(pairs.siblings(pairs.Steps(score, there, parent)))}


def _loss(inputs):
    beta, kind = inputs["beta"], LOSSES[inputs["loss"]]
    refs = [as_array(inputs[f"ref_{side}_logp"]) for side in ("chosen", "rejected")]
    logp = [as_array(inputs[f"{side}_logp"]) for side in ("chosen", "rejected")]
    smoothing = inputs["label_smoothing"]
    told = {"smoothing": smoothing} if inputs["loss"] == "dpo" else {}

    def ratio(logp, ref):
        rows = (logp[:, None], ref[:, None], jnp.ones((len(ref), 1), bool))
        return preference.log_ratio(preference.Rows(*rows))

    def loss(chosen, rejected):
        gap = ratio(chosen, refs[0]) - ratio(rejected, refs[1])
        return jnp.mean(kind(gap, beta, **told)), gap

    grads, gap = jax.grad(loss, argnums=(0, 1), has_aux=True)(*logp)
    return {
        "loss": loss(*logp)[0],
        "gradient_chosen": grads[0],
        "gradient_rejected": grads[1],
        "margin": beta * gap,
    }


ADAPTERS = {"learned_pairs": learned_pairs}
