"""Estimators in torch, as verl has them and vectorised: what ours are compared with.

Serves times: reads a line `name rows tokens`, runs that estimator once on made-up
rewards of that shape and prints the seconds it took. Run by `benchmarks.transforms`.
"""

import functools
import inspect
import sys
import time
from collections import defaultdict

import torch

GROUP = 8
EPS = 1e-6


def gae_loop(reward, value, mask, gamma=1.0, lam=0.95):
    """A step of time after the other, each over all rows; then whitened."""
    following = ahead = 0.0
    found = []
    for t in reversed(range(reward.shape[1])):
        delta = reward[:, t] + gamma * following - value[:, t]
        now = delta + gamma * lam * ahead
        here = mask[:, t]
        following = value[:, t] * here + (1 - here) * following
        ahead = now * here + (1 - here) * ahead
        found.append(ahead)
    return whiten(torch.stack(found[::-1], dim=1), mask)


def reinforce_pp_loop(reward, mask, gamma=1.0):
    """A step of time after the other; then whitened."""
    following, found = 0.0, []
    for t in reversed(range(reward.shape[1])):
        following = reward[:, t] + gamma * following
        found.append(following)
        following = following * mask[:, t]
    return whiten(torch.stack(found[::-1], dim=1), mask) * mask


def whiten(x, mask):
    """Mean 0 and variance 1 over the tokens of the mask."""
    count = mask.sum()
    mean = (x * mask).sum() / count
    var = ((x - mean) ** 2 * mask).sum() / count * count / (count - 1)
    return (x - mean) * torch.rsqrt(var + 1e-8)


def by_prompt(score, group):
    """Scores of each prompt, gathered row by row."""
    found = defaultdict(list)
    for i in range(score.shape[0]):
        found[int(group[i])].append(score[i])
    return {prompt: torch.stack(scores) for prompt, scores in found.items()}


def grpo_loop(reward, mask, group):
    """A row after the other."""
    score = reward.sum(dim=-1)
    found = by_prompt(score, group)
    means = {prompt: scores.mean() for prompt, scores in found.items()}
    stds = {prompt: scores.std() for prompt, scores in found.items()}
    for i in range(score.shape[0]):
        prompt = int(group[i])
        score[i] = (score[i] - means[prompt]) / (stds[prompt] + EPS)
    return score.unsqueeze(-1) * mask


def rloo_loop(reward, mask, group):
    """A row after the other."""
    score = reward.sum(dim=-1)
    found = by_prompt(score, group)
    means = {prompt: scores.mean() for prompt, scores in found.items()}
    for i in range(score.shape[0]):
        n = len(found[int(group[i])])
        score[i] = (score[i] - means[int(group[i])]) * n / (n - 1)
    return score.unsqueeze(-1) * mask


def opo_loop(reward, mask, group):
    """A row after the other; the mean of a prompt is weighted with lengths."""
    score, length = reward.sum(dim=-1), mask.sum(dim=-1)
    found, lengths = by_prompt(score, group), by_prompt(length, group)
    means = {
        prompt: (lengths[prompt] * scores).sum() / lengths[prompt].sum()
        for prompt, scores in found.items()
    }
    for i in range(score.shape[0]):
        score[i] = score[i] - means[int(group[i])]
    return score.unsqueeze(-1) * mask


def reinforce_pp_baseline_loop(reward, mask, group):
    """A row after the other; then whitened over tokens."""
    score = reward.sum(dim=-1)
    means = {p: scores.mean() for p, scores in by_prompt(score, group).items()}
    for i in range(score.shape[0]):
        score[i] = score[i] - means[int(group[i])]
    return whiten(score.unsqueeze(-1) * mask, mask) * mask


def group_mean(x, group):
    """The mean and count of each row's group."""
    size = int(group.max()) + 1
    count = torch.bincount(group, minlength=size).to(x.dtype)
    return (torch.zeros(size).index_add_(0, group, x) / count)[group], count[group]


def grpo_vectorised(reward, mask, group):
    score = reward.sum(dim=-1)
    mean, count = group_mean(score, group)
    var = group_mean((score - mean) ** 2, group)[0] * count / (count - 1)
    return ((score - mean) / (var.sqrt() + EPS)).unsqueeze(-1) * mask


def rloo_vectorised(reward, mask, group):
    score = reward.sum(dim=-1)
    mean, count = group_mean(score, group)
    return ((score - mean) * count / (count - 1)).unsqueeze(-1) * mask


def dr_grpo_vectorised(reward, mask, group):
    score = reward.sum(dim=-1)
    return (score - group_mean(score, group)[0]).unsqueeze(-1) * mask


def opo_vectorised(reward, mask, group):
    score, length = reward.sum(dim=-1), mask.sum(dim=-1)
    size = int(group.max()) + 1
    sums = torch.zeros(2, size).index_add_(
        1, group, torch.stack([length * score, length])
    )
    return (score - (sums[0] / sums[1])[group]).unsqueeze(-1) * mask


def reinforce_pp_baseline_vectorised(reward, mask, group):
    return whiten(dr_grpo_vectorised(reward, mask, group), mask) * mask


def high_entropy_tokens_vectorised(reward, mask, group, entropy):
    """As in TRL: the quantile of all tokens."""
    least = torch.quantile(entropy[mask.bool()], 0.8)
    return grpo_vectorised(reward, mask, group) * (entropy >= least)


def earl_vectorised(reward, mask, group, entropy):
    """The quantile of each row's tokens."""
    there = torch.where(mask.bool(), entropy, torch.nan)
    least = torch.nanquantile(there, 0.8, dim=1, keepdim=True)
    return grpo_vectorised(reward, mask, group) * (entropy >= least)


def remax_vectorised(reward, mask, baseline):
    to_go = (reward * mask).flip(dims=[-1]).cumsum(dim=-1).flip(dims=[-1])
    return to_go - baseline.unsqueeze(-1) * mask


@functools.cache
def work(rows, tokens):
    """Made-up rewards on the last token, values, and masks of 1/2 to all tokens."""
    length = torch.randint(tokens // 2, tokens + 1, (rows,))
    mask = (torch.arange(tokens) < length[:, None]).float()
    reward = torch.zeros(rows, tokens)
    reward[torch.arange(rows), length - 1] = torch.randint(0, 2, (rows,)).float()
    inputs = {"reward": reward, "mask": mask, "group": torch.arange(rows) // GROUP}
    more = {"value": torch.randn(rows, tokens), "baseline": torch.rand(rows)}
    return inputs | more | {"entropy": torch.rand(rows, tokens)}


def main() -> None:
    for line in sys.stdin:
        name, rows, tokens = line.split()
        estimate, inputs = globals()[name], work(int(rows), int(tokens))
        wanted = inspect.signature(estimate).parameters.keys() & inputs.keys()
        began = time.perf_counter()
        estimate(**{key: inputs[key] for key in wanted})
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
