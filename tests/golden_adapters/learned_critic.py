"""A critic: two decays, its loss, a head before the policy learns, right rows."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax

from golden_adapters.common import NoAdapter, as_array, rollout_of, values
from rewardlab import objectives
from rewardlab.core import masked
from rewardlab.core.types import place
from rewardlab.learning.fit import fit_step
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.value import value_loss
from rewardlab.scorers.critic import critic
from rewardlab.scorers.facts import positive
from rewardlab.scorers.protocol import Context, Setting
from rewardlab.scorers.values import Goal


def decoupled_gae(inputs, hyper):
    """Advantages by one decay, or the row's own; a critic's goal by another."""
    mask = np.asarray(inputs["mask"], bool)
    value, reward = (as_array(inputs[name]) for name in ("value", "reward"))
    alpha, gamma = float(inputs["alpha"] or 0), float(inputs["gamma"])
    rollout = rollout_of(mask, r=reward, value=value)
    word = f"length_adaptive_gae('value', {gamma!r}, {alpha!r})"
    if not alpha:
        word = f"gae('value', {gamma!r}, {float(inputs['lambda_policy'])!r})"
    goal = Goal(gamma, float(inputs["lambda_value"]), None)
    length = mask.sum(axis=1)
    own = np.maximum(0, 1 - 1 / (alpha * length)) if alpha else inputs["lambda_policy"]
    return {
        "advantage_unwhitened": values(f"dense('r') | {word}", rollout),
        "value_target": jax.jit(goal.returns)(value, reward, jnp.asarray(mask)),
        "lambda_policy": np.broadcast_to(own, length.shape),
    }


def value_head_loss(inputs, hyper):
    """The clipped loss of values, and its gradient to them."""
    names = ("value", "old_value", "value_target")
    value, *others = (as_array(inputs[name]) for name in names)
    mask = jnp.asarray(np.asarray(inputs["mask"], bool))

    def loss(value):
        return value_loss(value, *others, mask, inputs["clip"]).loss.mean()

    found, gradient = jax.jit(jax.value_and_grad(loss))(value)
    return {"loss": found, "gradient": gradient}


def pretrain_value_head(inputs, hyper):
    """A linear critic by plain gradient descent, on states and no log-probs (all 0)."""
    features, mask = as_array(inputs["features"]), np.asarray(inputs["mask"], bool)
    made = rollout_of(mask, hidden=features, value=np.zeros(mask.shape))
    rollout = dataclasses.replace(made, logp=jnp.zeros(mask.shape, features.dtype))
    scorer = critic(epsilon=None, width=0)(Setting({}, None, {}))
    context = Context(jax.random.key(0), jnp.zeros((), jnp.int32), {}, {})
    head = jax.tree.map(features.dtype.type, scorer.init(context, rollout))
    outcome = as_array(inputs["outcome"])[:, None]
    reward = place(jnp.broadcast_to(outcome, mask.shape), masked.last(rollout.mask))

    def loss(head, rollout, rows):
        return *scorer.fit.loss(head, context, rollout, None, reward), ()

    optimizer = optax.sgd(inputs["lr"])
    step, opt = jax.jit(fit_step(loss, optimizer)), optimizer.init(head)
    losses = []
    for _ in range(inputs["steps"]):
        head, opt, sums, _ = step(head, opt, rollout, ())
        losses.append(sums["loss"].mean())
    width = features.shape[-1]
    return {
        "weight": head["w2"][:width, 0],
        "bias": head["b2"][0],
        "losses": losses,
        "value": scorer.score(head, context, rollout, None)["value"],
    }


def positive_nll(inputs, hyper):
    """The term of right rows, averaged over their own tokens."""
    logp, mask = as_array(inputs["logp"]), np.asarray(inputs["mask"], bool)
    known = [inputs[k] for k in ("correct", "outcome", "positive") if k in inputs]
    rollout = rollout_of(mask, correct=np.asarray(known[0], float))
    share = positive()(Setting({}, None, {})).score((), None, rollout, None)
    term = objectives.positive_nll(float(inputs.get("mu", hyper["mu"])))
    whole = objectives.objective(term, aggregate=objectives.token_mean())

    def loss(logp):
        stats = TokenStats(logp, jnp.zeros_like(logp))
        return whole(stats, rollout.with_signals(**share), 0 * logp)[0].mean()

    found, gradient = jax.jit(jax.value_and_grad(loss))(logp)
    return {"loss": found, "gradient": gradient}


LEARNED = {
    "decoupled_gae": decoupled_gae,
    "value_loss": value_head_loss,
    "pretrain_value_head": pretrain_value_head,
    "positive_nll": positive_nll,
}


def learned_critic(inputs, hyper):
    """Each kind of case by its own adapter."""
    if inputs["kind"] not in LEARNED:
        raise NoAdapter(f"the kind {inputs['kind']!r}")
    return LEARNED[inputs["kind"]](inputs, hyper)


ADAPTERS = {"learned_critic": learned_critic}
