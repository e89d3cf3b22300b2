"""Turns by what follows them: trees, gains, shares, hindsight."""

import numpy as np

from golden_adapters.common import (
    NoAdapter,
    advantages,
    channels,
    groups,
    only,
    rollout_of,
    values,
)
from golden_adapters.policy_losses import step
from golden_adapters.states import by_turn, padded, ragged, scored
from rewardlab import METHODS, objectives
from rewardlab.objectives.masks import mask_only_children
from rewardlab.objectives.sequence import clipped_turns_token


class Tree:
    """A row for each leaf, in their order; a node's tokens are in all rows through it.

    `kids(x)` are the children of a node as the file writes it, `worth(x)` is a leaf's
    reward, `size(x)` how many tokens a node adds.
    """

    def __init__(self, root, kids, worth, size=lambda x: 1, entropy=lambda x: 0.0):
        self.paths, self.reward = [], []  # nodes of a row: (name, tokens, entropy)
        self._walk(root, "r", [], (kids, worth, size, entropy))
        self.names = sorted({name for path in self.paths for name, *_ in path})

    def _walk(self, x, name, path, how):
        kids, worth, size, entropy = how
        if name != "r":
            path = [*path, (name, size(x), entropy(x))]
        for i, kid in enumerate(kids(x)):
            self._walk(kid, f"{name}.{i}", path, how)
        if not kids(x):
            self.paths.append(path)
            self.reward.append(worth(x))

    def rollout(self):
        width = max(sum(n for _, n, _ in path) for path in self.paths)
        deep = max(map(len, self.paths))
        shapes = ((len(self.paths), w) for w in (width, width, deep))
        node, step, self.entropy = (np.full(shape, -1.0) for shape in shapes)
        for i, path in enumerate(self.paths):
            at = 0
            for k, (name, n, heat) in enumerate(path):
                node[i, at : at + n], step[i, at : at + n] = self.names.index(name), k
                self.entropy[i, k], at = heat, at + n
        self.step = step.astype(int)
        return rollout_of(
            step >= 0,
            step=self.step,
            node=node.astype(int),
            correct=self.reward,
            turn_entropy=np.maximum(self.entropy, 0),
        )

    def by_node(self, x):
        """What [N, T] says of each node."""
        found = {}
        for i, path in enumerate(self.paths):
            for k, (name, *_) in enumerate(path):
                found[name] = np.asarray(x)[i, np.flatnonzero(self.step[i] == k)[-1]]
        return found


HOW = {"child_mean": "children", "child_softmax": "softmax", "leaf_mean": "leaves"}


def over_of(mode):
    """What a node's value is taken over, as the reference calls it."""
    parent, root = "parent" in mode, "root" in mode
    if mode == "node_value" or not mode:
        return ""
    if parent and root or "both" in mode or "sum" in mode or "comb" in mode:
        return "both"
    if parent or root:
        return "parent" if parent else "root"
    raise NoAdapter(f"an advantage of nodes called {mode!r}")


def at2po(inputs, hyper):
    """The loss of turns, or values of a tree's nodes."""
    if "tree" not in inputs:
        return turn_loss(inputs)
    root = inputs["tree"]
    kids = lambda x: x.get("kids") or []  # noqa: E731
    size = lambda x: x["len"]  # noqa: E731
    tree = Tree(root, kids, lambda x: x["value"], size, lambda x: x["ent"])
    rollout = tree.rollout()
    text = METHODS["at2po"].reward
    if not inputs["normalise_leaves"]:
        z = "center_by_group() | scale_by_group_std(eps=eps, ddof=0) | "
        text = text.replace(z, "")
    how, over = HOW[inputs["node_value"]], over_of(inputs["node_advantage"])
    hp = {"eps": hyper["eps"]} if "eps" in text else {}

    def at(over):
        new = text.replace("how='softmax'", f"how={how!r}, over={over!r}")
        return new, tree.by_node(values(new, rollout, **hp))

    new, credit = at(over)
    worth, to_root = at("")[1], at("root")[1]
    found = {name: np.ma.array([worth[name], credit[name]]) for name in worth}
    top = next(iter(worth))
    whole = worth[top] - to_root[top]
    own = whole if not over else np.ma.masked  # nothing is over the root
    found["r"] = np.ma.array([whole, own])
    return {"nodes": found, "advantages": advantages(new, rollout, **hp)}


def turn_loss(inputs):
    """Turns are runs of the mask."""
    mask = np.asarray(inputs["response_mask"], bool)
    runs = np.cumsum(np.diff(mask, axis=1, prepend=~mask[:, :1]) != 0, axis=1)
    loss = clipped_turns_token(inputs["clip_low"], inputs["clip_high"])
    logp, old = inputs["log_prob"], inputs["old_log_prob"]
    value, metrics, grad = step(
        [loss],
        objectives.sequence_mean(),
        mask,
        logp,
        old,
        inputs["advantages"],
        step=runs,
    )
    clipped = metrics["clip_ratio/region_mean"]
    return {"loss": value, "clip_fraction": clipped, "grad_log_prob": grad}


def critical_actions(inputs, hyper):
    """Lists are nodes, numbers leaves; edges without a sibling leave the loss."""
    if inputs["update"] != "branched":
        raise NoAdapter(f"update={inputs['update']!r} learns from other edges")
    kids = lambda x: x if isinstance(x, list) else []  # noqa: E731
    tree = Tree(inputs["tree"], kids, float)
    rollout = tree.rollout()
    credit = tree.by_node(advantages(METHODS["critical_actions"].reward, rollout))
    kept = tree.by_node(mask_only_children("node").keep(None, rollout))
    edges = [
        {"parent": name.rpartition(".")[0], "node": name, "advantage": credit[name]}
        for name in credit
        if kept[name]
    ]
    text = "outcome('correct') | node_values('node'"
    worth = tree.by_node(values(f"{text})", rollout))
    less = tree.by_node(values(f"{text}, over='root')", rollout))
    top = next(iter(worth))
    return {"root_value": worth[top] - less[top], "edges": edges}


def c3(inputs, hyper):
    """One decision is one prompt, whose rows are different first steps."""
    lists = inputs["decisions"]
    rows = [(g, k, r) for g, one in enumerate(lists) for k, r in enumerate(one)]
    group, node, reward = map(np.array, zip(*rows, strict=True))
    rollout = rollout_of(
        np.ones((len(rows), 1), bool), group=group, node=node[:, None], correct=reward
    )
    found = advantages(METHODS["c3"].reward, rollout)[:, 0]
    return {"advantages": [list(found[group == g]) for g in range(len(lists))]}


def a2tgpo(inputs, hyper):
    """Beliefs are the gains added up; the answer is one turn more."""
    gains = inputs["information_gain"]
    lengths = [len(row) + 1 for row in gains]
    belief = np.zeros((len(gains), max(lengths)))
    for i, row in enumerate(gains):
        belief[i, 1 : len(row) + 1] = np.cumsum(row)
    rewards = np.asarray(inputs["rewards"], float)
    rollout = by_turn(lengths, inputs["group"], belief=belief, correct=rewards)
    eps = hyper["eps"]
    rollout = scored(rollout, f"adaptive_clip(kappa={inputs['kappa']}, eps={eps})")
    z = f"center_by_state(zero_singletons=True) | scale_by_state_std(eps={eps})"
    normal = channels(f"information_gain('belief') | {z}", rollout)["belief"].value
    hp = {"alpha": inputs["alpha"], "gamma": inputs["gamma"], "eps": eps}
    found = advantages(METHODS["a2tgpo"].reward, rollout, **hp)
    return {
        "normalised": ragged(normal, [n - 1 for n in lengths]),
        "turn_advantages": ragged(found, lengths),
        "clip_scale": ragged(rollout.signals["clip_scale"], lengths),
    }


def itpo(inputs, hyper):
    """Turns are runs of the mask; `sum` pays each turn its own log-ratios."""
    mask = np.asarray(inputs["response_mask"], bool)
    runs = np.cumsum(np.diff(mask, axis=1, prepend=~mask[:, :1]) != 0, axis=1)
    q = np.asarray(inputs["token_rewards"], float)
    rollout = rollout_of(
        mask,
        group=np.arange(len(mask)) // inputs["group_size"],
        step=runs,
        prm_logp=q,
        ref_logp=0 * q,
        correct=inputs["outcome"],
    )
    hp = {"temperature": inputs["temperature"], "coef": inputs["reward_coef"]}
    text, by_sum = METHODS["itpo"].reward, inputs["kind"] == "sum"
    share = "share_by_softmax('correct', by='prm_logp', temperature=temperature)"
    if by_sum:
        begun = "log_ratio('prm_logp') | return_from_step(discount=0)"
        text = f"{begun} | weighted_sum(prm_logp=1){text.split(share)[1]}"
        del hp["temperature"]
    first = text.split(" | center_by_group_steps")[0]
    own = {k: v for k, v in hp.items() if k in first}
    (given,) = channels(first, rollout, **own).values()
    given, placed = np.asarray(given.value), np.asarray(given.placed)
    shares = [x[there] for x, there in zip(given, placed, strict=True)]
    if not by_sum:
        shares = [
            share_of(x, r) for x, r in zip(shares, inputs["outcome"], strict=True)
        ]
    if coef := inputs["outcome_coef"]:
        rloo = "center_by_group_steps(leave_one_out=False) | scale_to_leave_one_out()"
        more = f" | outcome('correct') | on('correct', {rloo})"
        more += f" | weighted_sum(reward=1, correct={coef}) | returns_to_go()"
        text = text.replace(" | returns_to_go()", more)
    returns = values(text.replace(" | whiten()", ""), rollout, **hp)
    return {
        "turn_shares": padded(shares),
        "returns": only(mask, returns),
        "advantages": only(mask, advantages(text, rollout, **hp)),
    }


def share_of(x, outcome):
    """Unknown where the outcome that was shared is 0."""
    return x / outcome if outcome else np.ma.masked_all(len(x))


def hcapo(inputs, hyper):
    """Log-probs by turn and token; the numbers of a turn stand on all its tokens."""
    if inputs.get("smoothing") is not None:
        raise NoAdapter("the optional smoothing of hindsight values is not built")
    given = inputs["hindsight_log_prob"]
    lengths = [[len(turn) for turn in row] for row in given]
    width = max(map(sum, lengths))
    logp, number = np.zeros((len(given), width)), np.full((len(given), width), -1)
    for i, row in enumerate(given):
        flat = [x for turn in row for x in turn]
        logp[i, : len(flat)] = flat
        number[i, : len(flat)] = np.repeat(np.arange(len(row)), lengths[i])
    rollout = rollout_of(
        number >= 0,
        group=groups(inputs["group"]),
        step=number,
        hindsight_logp=logp,
        correct=inputs["rewards"],
    )
    low, high = inputs["clip"]
    hp = {"temperature": inputs["temperature"], "low": low, "high": high}
    word = "hindsight_ratio('hindsight_logp', temperature, low, high)"
    ones = rollout.with_signals(correct=0 * rollout.signals["correct"] + 1)
    each = "outcome('correct') | return_from_step(1)"
    rho = values(f"{each} | {word}", ones, **hp)
    gamma = inputs["gamma"]
    q = values(f"{each.replace('(1)', f'({gamma})')} | {word}", rollout, **hp)
    text = METHODS["hcapo"].reward
    if not inputs["no_harm"]:
        text = text.replace(" | gate('correct', floor(0))", "")
    hp |= {"gamma": gamma, "omega": inputs["omega"], "eps": hyper["eps"]}
    ends = [[int(k) - 1 for k in np.cumsum(row)] for row in lengths]
    take = lambda x: [list(np.asarray(x)[i, e]) for i, e in enumerate(ends)]  # noqa: E731
    found = advantages(text, rollout, **hp)
    return {"rho": take(rho), "hindsight_q": take(q), "turn_advantages": take(found)}


ADAPTERS = {
    "at2po": at2po,
    "critical_actions": critical_actions,
    "c3": c3,
    "a2tgpo": a2tgpo,
    "itpo": itpo,
    "hcapo": hcapo,
}
LOOSE_64 = {
    "at2po": (1e-6, "its means divide by a count + 1e-6 or 1e-8"),
    "itpo": (1e-4, "float32 in the reference"),
}
LOOSE_32 = {"itpo": (1e-4, "float32 in the reference")}
