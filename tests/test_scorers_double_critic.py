"""The double critic: what it says, learns and follows, by loops in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from learning_scorers import Learning, case, context, in_float64, scorers

from rewardlab.reward_models.double_q import following

DISCOUNT = 0.9


def gelu(x):
    return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2


def say(head, i, x):
    """The i-th of two heads, on one vector."""
    inner = gelu(x @ head["w1"][i] + head["b1"][i])
    return float((inner @ head["w2"][i] + head["b2"][i])[0])


def turns_of(scored, i):
    """The places of the policy's tokens in each turn of a row that has any."""
    step, mask = np.asarray(scored.step[i]), np.asarray(scored.mask[i])
    found = [np.flatnonzero(mask & (step == k)) for k in range(step.max() + 1)]
    return [(k, at) for k, at in enumerate(found) if len(at)]


def read(scored, i, at):
    """What V reads before a turn, and what Q reads with it."""
    hidden, after = (
        np.asarray(scored.signals[name][i], np.float64)
        for name in ("hidden", "hidden_after")
    )
    own = np.where(scored.mask[i], np.asarray(scored.logp[i], np.float64), 0)
    first, last = at[0], at[-1]
    past = own[:first]
    known = [past[-1], past.sum(), past.min()] if first else [0.0] * 3
    seen = own[: last + 1]
    more = [own[at].sum(), own[at].min(), seen.sum(), seen.min()]
    return np.r_[hidden[first], known], np.r_[1.0, after[last], more]


def by_hand(nets, scored, reward):
    """The advantages {(row, turn): number}, and the loss."""
    now, slow = nets["now"], nets["target"]
    found, errors = {}, []
    for i in range(len(scored.mask)):
        turns = turns_of(scored, i)
        seen = [read(scored, i, at) for _, at in turns]
        for k, (before, after) in enumerate(seen):
            q, v = (
                [say(now[x], j, y) for j in (0, 1)]
                for x, y in (("q", after), ("v", before))
            )
            number, at = turns[k]
            found[i, number] = min(q) - min(v)
            if not np.any(reward.placed[i]):
                continue
            paid = float(np.asarray(reward.value, np.float64)[i, at].sum())
            for j in (0, 1):
                last = k + 1 == len(turns)
                ahead = 0.0 if last else say(slow["v"], j, seen[k + 1][0])
                target = say(slow["q"], j, after)
                errors.append((q[j] - paid - DISCOUNT * ahead) ** 2)
                errors.append((v[j] - target) ** 2)
    return found, sum(errors) / (len(errors) / 4)


def wide(tree):
    return jax.tree.map(lambda x: np.asarray(x, np.float64), tree)


@pytest.fixture(scope="module")
def learned():
    """After three iterations: heads that say something, and copies behind them."""
    learning = Learning("double_critic")
    for _ in range(3):
        scored, _ = learning.step(case())
    nets = wide(learning.state.params)
    scored, means = learning.step(case())
    return scored, nets, means


def test_advantages_and_loss_are_those_of_the_equation(learned):
    """The metric's is of two epochs: between the first loss and a lower one."""
    scored, nets, means = learned
    want, loss = by_hand(nets, scored, case().reward)
    got = np.asarray(scored.signals["turn_advantage"])
    for place, x in want.items():
        assert got[place] == pytest.approx(x, abs=1e-5), place
    there = np.zeros(got.shape, bool)
    there[tuple(np.transpose(list(want)))] = True
    assert not np.any(got[~there]) and np.any(np.abs(got[there]) > 1e-3)
    assert means["scorers/double_critic/loss"] == pytest.approx(loss, rel=0.2)


def test_its_gradient_is_that_of_the_equation(learned):
    """By differences of the loop; none flows into the copies."""
    scored, nets, _ = learned
    (scorer,) = [s for _, s in scorers("double_critic") if s.name == "double_critic"]
    with jax.enable_x64(True):
        rows = in_float64((scored, case().reward))
        loss = lambda nets: scorer.fit.loss(nets, context(), rows[0], None, rows[1])[0]  # noqa: E731
        value = loss(nets).mean()
        slopes = jax.grad(lambda nets: loss(nets).mean())(nets)
    assert float(value) == pytest.approx(by_hand(nets, *rows)[1], rel=1e-6)
    assert not any(np.any(x) for x in jax.tree.leaves(slopes["target"]))
    for net, name, at in (
        ("q", "w2", (0, 3, 0)),
        ("q", "w1", (1, 5, 2)),
        ("v", "b1", (0, 4)),
        ("v", "b2", (1, 0)),
    ):
        two = []
        for move in (1e-5, -1e-5):
            moved = jax.tree.map(np.copy, nets)
            moved["now"][net][name][at] += move
            two.append(by_hand(moved, *rows)[1])
        want = (two[0] - two[1]) / 2e-5
        got = float(slopes["now"][net][name][at])
        assert got == pytest.approx(want, rel=1e-5, abs=1e-8), (net, name)


def test_copies_follow_after_each_step():
    """By SGD of rate 1/2: x = 4 - 1/2 * 2 = 3, y = 0 + 0.1 (3 - 0); then 2 and 0.47."""
    optimizer = following(optax.sgd(0.5), 0.1)
    trained, state = {"now": jnp.array(4.0), "target": jnp.array(0.0)}, None
    state = optimizer.init(trained)
    for want in ((3.0, 0.3), (2.0, 0.47)):
        grads = {"now": jnp.array(2.0), "target": jnp.array(7.0)}
        moves, state = optimizer.update(grads, state, trained)
        trained = optax.apply_updates(trained, moves)
        assert (float(trained["now"]), float(trained["target"])) == pytest.approx(want)


def test_two_estimates_differ():
    """They begin apart, and no step makes them one."""
    learning = Learning("double_critic")
    first = learning.state.params["now"]["q"]["w1"]
    assert np.abs(first[0] - first[1]).max() > 0.1
    _, means = learning.step(case())
    _, means = learning.step(case())
    assert means["scorers/double_critic/apart"] > 0
