"""Turns of trees: nodes by the leaves under them, forks, and the loss of turns."""

import numpy as np

from golden_adapters.common import NoAdapter, advantages, rollout_of, values
from golden_adapters.policy_losses import step
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


ADAPTERS = {"at2po": at2po, "critical_actions": critical_actions, "c3": c3}
LOOSE_64 = {"at2po": (1e-6, "its means divide by a count + 1e-6 or 1e-8")}
