"""What oracles of whole rows share: baselines of groups, losses token by token."""

import dataclasses

import numpy as np


def each(b, loss):
    """{(row, token): loss(row, token)} of all True tokens."""
    return {(i, t): loss(i, t) for i, ts in b.rows() for t in ts}


def log_ratio(b, i, t):
    return b.logp[i, t] - b.old[i, t]


def plain(a, average):
    """The oracle of -A log pi."""
    return lambda b: average(b, each(b, lambda i, t: -a[i, t] * b.logp[i, t]))


def on_policy(b):
    """The same batch at the first update, where no ratio leaves 1."""
    return dataclasses.replace(b, old=b.logp.copy())


def on_tokens(b, rows):
    """A number a row on all of its tokens."""
    return np.where(b.mask, np.asarray(rows, float)[:, None], 0.0)


def centred(b, rewards, eps=None, ddof=1):
    """R - mean of each row's group, over (std + eps) if an epsilon is given."""
    out = []
    for i in range(len(rewards)):
        group = [rewards[j] for j in b.members(i)]
        mean = sum(group) / len(group)
        var = sum((r - mean) ** 2 for r in group) / (len(group) - ddof)
        out.append((rewards[i] - mean) / (1 if eps is None else var**0.5 + eps))
    return np.array(out)


def left_out(b, rewards):
    """R - mean of the other rows of the group."""
    out = []
    for i in range(len(rewards)):
        others = [rewards[j] for j in b.members(i) if j != i]
        out.append(rewards[i] - sum(others) / len(others))
    return np.array(out)
