"""Second models: `learned_teacher`."""

import jax
import numpy as np

from golden_adapters.common import advantages, as_array, rollout_of, values
from rewardlab import METHODS
from rewardlab.core import masked
from rewardlab.models.logprobs import log_likelihood
from rewardlab.reward_models.distillation import generalized_jsd


def learned_teacher(inputs, hyper):
    """Each kind from logits, as the scorers make its signals of them."""
    return KINDS[inputs["kind"]](inputs)


def _logp(logits, tokens, temperature=1.0):
    """Of the tokens under these logits."""
    return log_likelihood(as_array(logits) / temperature, np.asarray(tokens))


def distillation(inputs):
    mask, teacher = np.asarray(inputs["mask"], bool), as_array(inputs["teacher_logits"])
    at, beta = inputs["temperature"], inputs["beta"]

    def loss(student):
        apart = generalized_jsd(student / at, teacher / at, beta)
        return masked.sum_of(apart, mask).mean()

    value, grad = jax.value_and_grad(loss)(as_array(inputs["student_logits"]))
    return {"loss": value, "gradient": grad}


def on_policy_reward(inputs):
    """The row `g_opd`, of log-probs at the temperature that is sampled at."""
    case = inputs["tokens"], inputs["temperature"]
    student, teacher, base = (
        np.asarray(_logp(inputs[f"{who}_logits"], *case))
        for who in ("student", "teacher", "base")
    )
    signals = {"logp": student, "teacher_logp": teacher, "ref_logp": base}
    rollout = rollout_of(inputs["mask"], **signals)
    found = advantages(METHODS["g_opd"].reward, rollout, scale=inputs["lam"])
    return {
        "student_logp": student,
        "teacher_logp": teacher,
        "base_logp": base,
        "advantage": found,
        "advantages": found,
    }


def density_ratio_reward(inputs):
    """The row `cdr` sums; its mean is a difference of cross-entropies."""
    strong, weak = (np.asarray(_given(inputs, who)) for who in ("strong", "weak"))
    rollout = rollout_of(inputs["mask"], strong_logp=strong, weak_logp=weak)
    total = (
        "dense('strong_logp') | dense('weak_logp')"
        " | weighted_sum(strong_logp=1, weak_logp=-1) | episode_return()"
    )
    mean = (
        "cross_entropy('weak_logp') | cross_entropy('strong_logp')"
        " | weighted_sum(weak_logp=1, strong_logp=-1)"
    )
    found = {"sum": values(total, rollout).sum(1), "mean": values(mean, rollout).sum(1)}
    named = {f"{k}_reward": x for k, x in found.items()}
    density = {f"density_ratio_{k}": x for k, x in found.items()}
    return {"strong_logp": strong, "weak_logp": weak, **found, **named, **density}


def _given(inputs, who):
    """A model's log-probs, or those of its logits."""
    names = (f"{who}_logp", f"logp_{who}")
    if found := [inputs[name] for name in names if name in inputs]:
        return as_array(found[0])
    at = inputs.get("temperature", 1.0)
    return _logp(inputs[f"{who}_logits"], inputs["tokens"], at)


def given_tokens(inputs):
    rollout = rollout_of(
        inputs["mask"], logp=np.asarray(_logp(inputs["logits"], inputs["tokens"]))
    )
    rollout = rollout.with_signals(given=rollout.logp)
    surprise = values("cross_entropy('given')", rollout).sum(1)
    return {
        "mean_logp": -surprise,
        "sum_logp": values("dense('given') | episode_return()", rollout).sum(1),
        "geometric_probability": np.exp(-surprise),
        "perplexity": values("perplexity('given')", rollout).sum(1),
    }


KINDS = {
    "distillation": distillation,
    "on_policy_reward": on_policy_reward,
    "density_ratio_reward": density_ratio_reward,
    "given_tokens": given_tokens,
}
ADAPTERS = {"learned_teacher": learned_teacher}
