"""A reward model trained online on outcomes: one rollout, scored and learned from."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
from bigram import Bigram

from golden_adapters.common import as_array, groups, rollout_of, values
from rewardlab.learning.fit import fit_step
from rewardlab.reward_models.implicit import implicit_reward
from rewardlab.scorers.protocol import Context, Setting
from rewardlab.scorers.sentence import scorers_of

WORDS = {"ce": "implicit", "dpo": "implicit_dpo"}
TEXTS = {"token": "log_ratio('prm_logp')"}
TEXTS["whole"] = f"{TEXTS['token']} | episode_return()"


def online_update(inputs, hyper):
    """Each mini-batch is scored, then learned from; with "before" all are scored last.

    Log-probs are a bigram table's, its steps plain SGD.
    """
    text = f"{WORDS[inputs['loss']]}(beta={inputs['beta']})"
    models = dict.fromkeys(("policy", "reference"), Bigram())
    (scorer,) = scorers_of(text, Setting(models, None, {}))
    whole, phi = _rollout(inputs), as_array(inputs["phi"])
    loss = lambda phi, r, rows: (*scorer.fit.loss(phi, CONTEXT, r, *rows), ())  # noqa: E731
    step = fit_step(loss, optax.sgd(inputs["lr"]))
    opt, losses, seen = optax.sgd(inputs["lr"]).init(phi), [], []
    first = phi
    for rows in np.split(np.arange(len(whole.tokens)), inputs["mini_batches"]):
        part = _part(whole, rows)
        seen.append(scorer.score(phi, CONTEXT, part, None)["prm_logp"])
        phi, opt, metrics, _ = step(phi, opt, part, (None, None))
        losses.append(metrics["loss"].mean())
    scored = jnp.concatenate(seen)
    if inputs["order"] == "before":
        scored = scorer.score(phi, CONTEXT, whole, None)["prm_logp"]
    rollout = whole.with_signals(prm_logp=scored)
    text = TEXTS[inputs["granularity"]]
    return {
        "losses": jnp.stack(losses),
        "phi_after": phi,
        "token_score": values(text, rollout),
        "normalised_score": values(f"{text} | scale_by_greatest_return()", rollout),
        "implicit_reward_before": _reward(first, whole, inputs["beta"]),
        "implicit_reward_after": _reward(phi, whole, inputs["beta"]),
    }


CONTEXT = Context(None, None, {}, {})


def _rollout(inputs):
    mask, ref = np.asarray(inputs["mask"]) > 0, as_array(inputs["ref"])
    n = len(mask)
    group = groups(inputs.get("group") or np.zeros(n, int))
    plain = rollout_of(mask, group=group, correct=inputs["correct"])
    tokens = jnp.asarray(inputs["tokens"])
    plain = dataclasses.replace(plain, tokens=tokens, valid=jnp.ones(mask.shape, bool))
    return plain.with_signals(ref_logp=Bigram().log_probs(ref, plain).logp)


def _part(rollout, rows):
    n = len(rollout.tokens)
    cut = lambda x: x[rows] if jnp.ndim(x) and len(x) == n else x  # noqa: E731
    return jax.tree.map(cut, rollout)


def _reward(phi, rollout, beta):
    logp = Bigram().log_probs(phi, rollout).logp
    return implicit_reward(logp, rollout.signal("ref_logp"), rollout.mask, beta)


ADAPTERS = {"learned_implicit_prm": online_update}
LOOSE_64 = {"learned_implicit_prm": (1e-5, "its token scores are float32 in places")}
