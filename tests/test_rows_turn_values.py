"""Rows of turns by what follows them, whole, by name.

Written from zzfoutofspace/ATPO (AT2PO) and Graph-COM/ITPO; the others, which have no
public code, from their formulas.
"""

import numpy as np
from rows import agrees, episodes, ppo, sequence_mean, token_mean, trained
from test_rows_states import by_turn, z_of_rows
from test_rows_turns import gains, spread, standard, standard_in

TREE = np.array([[0, 2, 6], [0, 3, 7], [1, 4, 8], [1, 5, 9]] * 2)  # of a prompt's rows
ENTROPY = np.random.default_rng(2).exponential(size=(8, 3))
STEP_VALUE = np.random.default_rng(12).normal(size=(8, 3))
BELIEF = np.random.default_rng(13).uniform(size=(8, 4))


def forked(seed, **signals):
    """Episodes whose prompts' rows share first turns two by two."""
    b = episodes(seed, spread=0.02, correct=np.array([1.0, 0, 0, 1, 1, 1, 0, 1]))
    node = np.take_along_axis(TREE, np.maximum(b.step, 0), axis=1)
    heat = ENTROPY.copy()
    heat[1::2, 0] = heat[::2, 0]  # of one turn, so equal in both rows
    b.signals |= {"node": node, "turn_entropy": heat, **signals}
    return b


def worth(b, i, k, reward, entropy):
    """V of the node of row i's turn k: over its children, and rows that end in it."""
    rows = [
        j
        for j in b.members(i)
        if len(b.turns(j)) > k and (TREE[j, : k + 1] == TREE[i, : k + 1]).all()
    ]
    parts = {}
    for j in rows:
        if len(b.turns(j)) == k + 1:
            parts["row", j] = (1.0, reward[j])
        else:
            weight = np.exp(entropy[j, k + 1]) if entropy is not None else 1.0
            value = worth(b, j, k + 1, reward, entropy)
            parts["node", TREE[j, k + 1]] = (weight, value)
    return sum(w * v for w, v in parts.values()) / sum(w for w, _ in parts.values())


def every_turn(b, of):
    return {(i, k): of(i, k) for i in range(8) for k in range(len(b.turns(i)))}


def test_at2po():
    """Leaves in standard units, children by exp of their entropy, one ratio a turn."""
    b = forked(1)
    z = np.zeros(8)
    for g in (0, 1):
        rows = np.flatnonzero(b.group == g)
        z[rows] = standard([b.signals["correct"][i] for i in rows], ddof=0)
    heat = b.signals["turn_entropy"]
    a = spread(b, every_turn(b, lambda i, k: worth(b, i, k, z, heat)))
    held = b

    def oracle(b):
        losses = {}
        for i in range(8):
            for turn in b.turns(i):
                gap = [held.logp[i, t] - held.old[i, t] for t in turn]
                mean = np.exp(np.mean(gap))  # the turn's ratio has no gradient
                for t in turn:
                    ratio = mean * np.exp(b.logp[i, t] - held.logp[i, t])
                    losses[i, t] = ppo(a[i, t], ratio, 0.003, 0.004)
        return sequence_mean(b, losses)

    agrees("at2po", b, oracle, a)


def test_critical_actions():
    """A turn less the mean of its siblings and itself; only children are dropped."""
    b = forked(2)
    reward = b.signals["correct"]

    def top(i):
        first = {TREE[j, 0]: worth(b, j, 0, reward, None) for j in b.members(i)}
        return sum(first.values()) / len(first)

    def credit(i, k):
        before = worth(b, i, k - 1, reward, None) if k else top(i)
        return worth(b, i, k, reward, None) - before

    a = spread(b, every_turn(b, credit))
    kept = {}
    for i in range(8):
        for k, turn in enumerate(b.turns(i)):
            mates = {
                TREE[j, k]
                for j in b.members(i)
                if len(b.turns(j)) > k and (TREE[j, :k] == TREE[i, :k]).all()
            }
            kept |= dict.fromkeys([(i, t) for t in turn], len(mates) > 1)
    assert 0 < sum(kept.values()) < len(kept)

    def oracle(b):
        losses = [ppo(a[p], np.exp(b.logp[p] - b.old[p])) for p in kept if kept[p]]
        return sum(losses) / len(losses)

    agrees("critical_actions", b, oracle, a)


def test_turn_ppo():
    """GAE over turns against a critic, and the turn's mean ratio."""
    b, gae = episodes(1, 0.6, step_value=STEP_VALUE), {}
    for i in range(8):
        later, ahead, reward = 0.0, 0.0, b.signals["correct"][i]
        for k in reversed(range(len(b.turns(i)))):
            value = STEP_VALUE[i, k]
            later = reward + 0.99 * ahead - value + 0.99 * 0.95 * later
            gae[i, k], ahead, reward = later, value, 0.0
    a = spread(b, gae)
    plain, near = by_turn(a, 0.2, 0.2), trained(0 * a, kl=0.001)
    agrees("turn_ppo", b, lambda b: plain(b) + near(b), a)


def test_a2tgpo():
    """Gains among the same turn of siblings; bounds as wide as `clip_scale` says."""
    scale = np.random.default_rng(3).uniform(0.7, 1.3, (8, 8))
    b = episodes(0, 0.3, belief=BELIEF, clip_scale=scale)
    gain, _ = gains(b)
    z = standard_in(gain, lambda p: (b.group[p[0]], p[1]))
    row = z_of_rows(b, b.signals["correct"], 1e-6)

    def credit(i, k):
        ahead = [z[i, j] for j in range(k, len(b.turns(i))) if (i, j) in z]
        return row[i] + 0.3 * sum(ahead) / max(len(ahead), 1) ** 0.5

    a = spread(b, every_turn(b, credit))

    def oracle(b):
        losses = {}
        for i in range(8):
            for turn in b.turns(i):
                ratio = np.exp(np.mean([b.logp[i, t] - b.old[i, t] for t in turn]))
                for t in turn:
                    eps = 0.2 * scale[i, t]
                    losses[i, t] = ppo(a[i, t], ratio, eps, eps)
        return token_mean(b, losses)

    agrees("a2tgpo", b, oracle, a)


def test_itpo():
    """The outcome by softmax of turns' mean log-ratios, PRIME's baseline, whitened."""
    prm = np.random.default_rng(4).normal(size=(8, 8))
    b = episodes(1, 0.5, prm_logp=prm)
    turns = [turn for i in range(8) for turn in b.turns(i)]
    length, reward = sum(map(len, turns)) / len(turns), {}
    for i in range(8):
        q = [np.mean([prm[i, t] - b.ref[i, t] for t in turn]) for turn in b.turns(i)]
        heat = np.exp(np.array(q) * length / 0.7)
        for k, x in enumerate(heat / heat.sum()):
            reward[i, k] = b.signals["correct"][i] * x
    back = {}
    for i in range(8):
        means = [
            np.mean([reward[j, k] for k in range(len(b.turns(j)))])
            for j in b.members(i)
        ]
        n, later = len(means), 0.0
        for k in reversed(range(len(b.turns(i)))):
            later += 5 * (reward[i, k] * n / (n - 1) - sum(means) / (n - 1))
            back[i, k] = later
    a = spread(b, back)
    flat = a[b.mask]
    a = np.where(b.mask, (a - flat.mean()) / (flat.var(ddof=1) + 1e-8) ** 0.5, 0)
    agrees("itpo", b, trained(a), a)


def test_hcapo():
    """z(R), and z of 0.95^left R clip(h / mean h), no less than 0 in right rows."""
    logp = -np.random.default_rng(5).exponential(4, size=(8, 8))
    correct = np.array(
        [1.0, 1, 1, 0, 1, 1, 1, 1]
    )  # so that right rows lie below a mean
    b = episodes(3, 0.5, hindsight_logp=logp, correct=correct)
    q = {}
    for i in range(8):
        turns = b.turns(i)
        h = [np.exp(np.mean(logp[i, turn]) / 5) for turn in turns]
        for k in range(len(turns)):
            rho = min(max(h[k] / np.mean(h), 0.8), 1.2)
            q[i, k] = rho * 0.95 ** (len(turns) - 1 - k) * b.signals["correct"][i]
    second = standard_in(q, lambda p: b.group[p[0]])
    row = z_of_rows(b, b.signals["correct"], 1e-6)
    right = b.signals["correct"] > 0
    credit = {
        p: row[p[0]] + (max(x, 0) if right[p[0]] else x) for p, x in second.items()
    }
    assert any(x < 0 and right[p[0]] for p, x in second.items())
    a = spread(b, credit)
    agrees("hcapo", b, trained(a, mean=sequence_mean, kl=0.01), a)
