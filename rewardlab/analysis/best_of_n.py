"""Best-of-n: what picking the highest of n samples by a proxy is worth."""

import math

import numpy as np
from jaxtyping import Float

Scores = Float[np.ndarray, "B N"]


def best_of_n(proxy: Scores, score: Scores, n: int) -> Float[np.ndarray, " B"]:
    """E[score of the proxy's best of n] without replacement from each row's N.

    sum_{i=n}^{N} C(i-1, n-1) / C(N, n) * score_(i), sorted by the proxy from the least
    up: n = 1 is the mean and n = N the proxy's best. Binomials are exact integers, so
    nothing overflows. Of equal proxies the later is taken for the higher. `ValueError`
    unless 1 <= n <= N. (WebGPT's estimator; reward ensembles, arXiv 2310.02743)
    """
    proxy, score = np.asarray(proxy, np.float64), np.asarray(score, np.float64)
    samples = proxy.shape[1]
    if not 1 <= n <= samples:
        raise ValueError(
            f"best of {n} needs {n} samples of every prompt and there are {samples}; "
            "sample more or lower n"
        )
    order = np.argsort(proxy, axis=1, kind="stable")[:, n - 1 :]
    subsets = math.comb(samples, n)
    chance = [math.comb(i - 1, n - 1) / subsets for i in range(n, samples + 1)]
    return np.take_along_axis(score, order, axis=1) @ np.array(chance)


def best_of_n_kl(n: float) -> float:
    """log n - (n - 1) / n nats, at least the KL from best-of-n to the policy.

    Equal to it where rewards are continuous and never tie.
    """
    return math.log(n) - (n - 1) / n
