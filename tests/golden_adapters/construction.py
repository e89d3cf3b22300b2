"""Rewards put together: potentials, ensembles, products, rubrics, multipliers."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
from oracle import apply

from golden_adapters.common import NoAdapter, as_array, per_row, rollout_of, values
from rewardlab import build
from rewardlab.reward_models import bilevel, progress
from rewardlab.rules import derl as derl_rules
from rewardlab.rules import relevance
from rewardlab.selection.pareto import nondominated
from rewardlab.transforms.combinators.multipliers import lagrangian

SHAPED = (
    "process('phi') | potential_shaping({g}, final='end') | process('r')"
    " | weighted_sum(phi=1, r=1)"
)
ONE_STEP = SHAPED.replace("process('r')", "outcome('r')")


def potential_shaping(inputs, hyper):
    """A table of transitions, each a row of one step; or one row of T steps."""
    gamma = inputs.get("gamma")
    if "R[s,a,s']" in inputs and "P[s,a,s']" not in inputs:
        reward, phi = as_array(inputs["R[s,a,s']"]), np.asarray(inputs["phi"], float)
        states, actions, _ = reward.shape
        s, _, after = zip(*itertools.product(*map(range, reward.shape)), strict=True)
        flat = {"r": np.ravel(reward), "phi": phi[list(s)][:, None]}
        rollout = rollout_of(per_row(s), end=phi[list(after)], **flat)
        got = values(ONE_STEP.format(g=gamma), rollout)
        return {"shaped": got.reshape(states, actions, states)}
    if "phi[0..T]" not in inputs:
        raise NoAdapter(f"potential_shaping with {sorted(inputs)}")
    phi, reward = (np.asarray(inputs[k], float) for k in ("phi[0..T]", "reward"))
    count = len(reward)
    end = 0.0 if inputs.get("phi_terminal_forced_zero") else phi[count]
    rollout = rollout_of(
        np.ones((1, count)),
        step=np.arange(count)[None],
        phi=phi[None, :count],
        r=reward[None],
        end=[end],
    )
    only = SHAPED.format(g=gamma).split(" | process('r')")[0]
    text = {"F": only, "shaped": SHAPED.format(g=gamma), "plain": "process('r')"}
    to_go = f" | step_returns_to_go({gamma})"
    returns = {k: values(t + to_go, rollout)[0, 0] for k, t in text.items()}
    return {
        "F": values(text["F"], rollout)[0],
        "shaped": values(text["shaped"], rollout)[0],
        "discounted_sum_F": returns["F"],
        "telescoped": returns["F"],
        "return_shift": returns["shaped"] - returns["plain"],
    }


def robo_dopamine(inputs, hyper):
    """A hop on any axis, and the progress on [0, 1] that it leads to."""
    if "phi_p" not in inputs:
        raise NoAdapter(f"robo_dopamine with {sorted(inputs)}")
    names = ("phi_p", "phi_q", "phi_0", "phi_M")
    before, after, start, goal = (as_array(inputs[k]) for k in names)
    hop = progress.hop(before, after, start, goal)
    share = (before - start) / (goal - start)
    return {"H": hop, "reconstructed_progress_q": progress.after_hop(share, hop)}


def barfi(inputs, hyper):
    """A softmax bandit; the finite difference must be the implicit gradient."""
    names = ("r_primary", "r_aux", "phi")
    primary, auxiliary, phi = (as_array(inputs[k]) for k in names)

    def inner(theta, phi):
        reward = bilevel.blended(phi, primary, auxiliary)
        return jax.nn.softmax(theta) @ reward - inputs["l2"] / 2 * theta @ theta

    def outer(theta):
        return jax.nn.softmax(theta) @ primary

    theta = jax.jit(functools.partial(bilevel.inner_optimum, inner))(phi, 0 * primary)
    implicit = functools.partial(bilevel.implicit_gradient, inner, outer)
    gradient = jax.jit(implicit)(phi, theta)
    sensitivity = jax.jit(functools.partial(bilevel.sensitivity, inner))
    return {
        "theta": theta,
        "pi": jax.nn.softmax(theta),
        "dtheta_dphi": sensitivity(phi, theta),
        "outer_value": outer(theta),
        "outer_grad": gradient,
        "finite_difference": gradient,
        "neumann_50terms_eta0.5": bilevel.neumann_gradient(
            inner, outer, phi, theta, 0.5, 50
        ),
    }


class _AnyExpression(dict):
    """The composed reward of whatever expression is asked for."""

    def __init__(self, g):
        super().__init__()
        self.g = g

    def __contains__(self, expression):
        return True

    def __missing__(self, expression):
        return derl_rules.composed(expression, self.g)


def derl(inputs, hyper):
    """Four checks of a text, and expressions over them."""
    if "text" not in inputs:
        raise NoAdapter(f"derl with {sorted(inputs)}")
    g = derl_rules.checks(inputs["text"], inputs["ground_truth"])
    return {"g": list(g.values()), "composed_float32": _AnyExpression(g)}


def krc(inputs, hyper):
    """Components as channels of one outcome each; distances with their three scales."""
    if "d_minus_radius" in inputs:
        distance = np.asarray(inputs["d_minus_radius"], float)
        rollout = rollout_of(per_row(distance), d=distance)
        shape = f"{inputs['dispersion']}, {inputs['density']}"
        words = {
            "player2ball(scale2300)": "proximity(2300",
            "ball2goal(scale6000)": "proximity(6000",
            "signed_ball2goal(scale4570)": "signed_proximity(4570",
        }
        return {
            key: values(f"outcome('d') | {word}, {shape})", rollout)[:, 0]
            for key, word in words.items()
        }
    if "R[n,batch]" not in inputs:
        raise NoAdapter(f"krc with {sorted(inputs)}")
    parts = np.asarray(inputs["R[n,batch]"], float)
    rollout = rollout_of(per_row(parts[0]), r=parts.T)
    product = " * ".join(f"r_{k}" for k in range(len(parts)))
    words = {
        "krc_all_nonneg_sign": "geometric_mean_of('r')",
        "krc_product_sign": "geometric_mean_of('r', product_sign=True)",
        "product": f"formula('{product}')",
    }
    source = "members('r') | "
    return {k: values(source + text, rollout)[:, 0] for k, text in words.items()}


def constrained_rlhf(inputs, hyper):
    """Multipliers step by step; the batch is weighed by those it found."""
    if "violations[step,n]" not in inputs:
        raise NoAdapter(f"constrained_rlhf with {sorted(inputs)}")
    violations = as_array(inputs["violations[step,n]"])
    value, count = as_array(inputs["lagrange_init"]), violations.shape[1]
    names = ("equality", "squash", "lr", "momentum", "max_grad_norm")
    given = {**_sgd(hyper), **inputs}
    options = [given[k] for k in names]
    lagrange = lagrangian(*options)
    memory, found = lagrange.start(value), []
    for excess in violations:
        loss = lagrange.loss(value, excess)
        value, memory = lagrange.step(value, memory, excess)
        found.append((value, lagrange.weights(value), loss))
    raw, squashed, losses = zip(*found, strict=True)
    out = {"lagrange_raw": raw, "lagrange_squashed": squashed, "lagrange_loss": losses}
    streams = np.asarray(inputs["constraint_adv[batch,n]"], float).T
    signals = {f"c{k}": stream for k, stream in enumerate(streams)}
    rollout = rollout_of(per_row(streams[0]), kl=inputs["base_adv[batch]"], **signals)
    sources = " | ".join(f"outcome('{name}')" for name in ("kl", *signals))
    goals = ", ".join(f"c{k}=0" for k in range(count))
    text = (
        f"constrained_sum('kl', scale_by_batch_std(eps=1e-8) | center_by_batch(),"
        f" equality={options[0]}, squashed={options[1]}, {goals})"
    )
    transform = build(f"{sources} | {text}")
    state = transform.init(rollout)
    start = state[-1]._replace(value=as_array(inputs["lagrange_init"]))
    update = jax.jit(transform.update)
    mixed = update({}, (*state[:-1], start), rollout)[0]["reward"]
    return {**out, "mixed_advantages": mixed.value[:, 0]}


def _sgd(hyper):
    return {
        "lr": hyper.get("lagrange_lr_yml", 0.1),
        "momentum": hyper.get("momentum", 0.1),
        "max_grad_norm": hyper.get("max_grad_norm", 0.5),
        "equality": False,
        "squash": True,
    }


def pareto(inputs, hyper):
    """Rows and their rewards; the sentence's rows are those of the front."""
    rewards = as_array(inputs["rewards[N,K]"])
    front = jax.jit(nondominated)(rewards, np.ones(len(rewards), bool))
    rollout = rollout_of(per_row(rewards), r=rewards)
    transform = build("members('r') | keep_pareto_front()")
    kept = apply(transform, rollout).values()
    weights = np.stack([r.value[:, 0] for r in kept], axis=1) / len(rewards)
    key = "weights[N,K]=mask*r/n(P)"
    return {"nondominated": front, "n_P": jnp.sum(front), key: weights}


def r3(inputs, hyper):
    """Open-ended prompts, and closed ones with F of the relevance as given."""
    score = inputs.get("r_x", inputs.get("F", inputs.get("r_y")))
    if score is None:
        raise NoAdapter(f"r3_relevance with {sorted(inputs)}")
    rule = relevance.open_ended if inputs["open_ended"] else relevance.closed_ended
    return {"reward": rule(score, inputs["text"])}


ADAPTERS = {
    "potential_shaping": potential_shaping,
    "robo_dopamine": robo_dopamine,
    "barfi": barfi,
    "derl": derl,
    "krc": krc,
    "constrained_rlhf": constrained_rlhf,
    "pareto_select": pareto,
    "r3_relevance": r3,
}
