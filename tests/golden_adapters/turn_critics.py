"""Critics of turns: two estimates and their copies, and one that sees the answer."""

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import NoAdapter, as_array, rollout_of
from rewardlab import METHODS, objectives
from rewardlab.core.types import Sum
from rewardlab.models.logprobs import TokenStats
from rewardlab.reward_models import double_q
from rewardlab.reward_models.pairs import trajectory_dpo
from rewardlab.reward_models.turn_scores import TURNS


def archer(inputs, hyper):
    """The critics' losses with their gradients, or the actor's."""
    return {"critic": _critics, "actor": _actor}[inputs["part"]](inputs)


def _critics(inputs):
    """Of given outputs; a mean over the batch of each, and the sum of the four."""
    pair = lambda name: jnp.stack([as_array(inputs[n]) for n in name])  # noqa: E731
    q, v = pair(("q1", "q2")), pair(("v1", "v2"))
    copies = pair(("target_q1", "target_q2"))
    ahead = pair(("target_v1_next", "target_v2_next"))
    ahead = jnp.where(as_array(inputs["done"]) > 0, 0, ahead)
    goal = double_q.td_goal(as_array(inputs["rewards"]), ahead, inputs["gamma"])

    def loss(q, v):
        errors = double_q.squared_error(q, goal) + double_q.squared_error(v, copies)
        return jnp.mean(errors)

    value, (slope_q, slope_v) = jax.jit(jax.value_and_grad(loss, (0, 1)))(q, v)
    alone = lambda now, goal: jnp.mean(double_q.squared_error(now[None], goal[None]))  # noqa: E731
    found = {"loss": value, "advantages": double_q.least_advantage(q, v)}
    for i in (0, 1):
        found[f"q{i + 1}_loss"] = alone(q[i], goal[i])
        found[f"v{i + 1}_loss"] = alone(v[i], copies[i])
        found[f"grad_q{i + 1}"], found[f"grad_v{i + 1}"] = slope_q[i], slope_v[i]
    return found


def _actor(inputs):
    """A log-prob of a whole action is one token of a row here."""
    logp = as_array(inputs["log_prob"])
    if logp.ndim != 1:
        raise NoAdapter("ArCHer's baseline by token")
    advantage = as_array(inputs["advantages"])[:, None]
    objective = objectives.build_loss(METHODS["archer"].loss)
    rollout = rollout_of(np.ones(advantage.shape), logp=np.asarray(logp)[:, None])

    def loss(logp):
        stats = TokenStats(logp[:, None], jnp.zeros(advantage.shape))
        total: Sum = objective(stats, rollout, advantage)[0]
        return total.mean()

    value, slope = jax.jit(jax.value_and_grad(loss))(logp)
    return {"loss": value, "grad_log_prob": slope}


def sweet_rl(inputs, hyper):
    """Scores of a turn's candidates, best first, or the loss of two trajectories."""
    if "candidate_log_probs" in inputs:
        pairs = zip(
            inputs["candidate_log_probs"], inputs["reference_log_probs"], strict=True
        )
        found = [_scores(*pair, inputs["aggregate"]) for pair in pairs]
        order = [np.argsort(-np.asarray(x), kind="stable") for x in found]
        return {"scores": found, "order": order}
    rows = [
        _scores(inputs[f"{kind}_log_probs"], inputs[f"{kind}_ref"], "mean")
        for kind in ("chosen", "rejected")
    ]
    reward = inputs["beta"] * jnp.stack([jnp.sum(x) for x in rows])
    won, group = jnp.array([True, False]), jnp.zeros(2, int)
    loss = trajectory_dpo(reward, won, group).mean()
    return {"margin": reward[0] - reward[1], "loss": loss}


def _scores(logp, ref, how):
    """Of texts of several lengths, each a row of one turn."""
    width = max(map(len, logp))
    pad = lambda rows: np.array([[*r, *[0.0] * (width - len(r))] for r in rows])  # noqa: E731
    there = np.array([np.arange(width) < len(r) for r in logp])
    ratio = as_array(pad(logp)) - as_array(pad(ref))
    return TURNS[how](ratio, jnp.asarray(there)[:, None])[:, 0]


ADAPTERS = {"archer": archer, "sweet_rl": sweet_rl}
