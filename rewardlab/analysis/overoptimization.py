"""Signs that a policy fits the proxy reward and not what it stands for.

Arrays in, numbers out; none of them is a verdict. Plot gold against proxy over
`best_of_n_kl`, or over the KL of the run, beside these.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

Values = Float[np.ndarray, " N"]


def mean_rank(x: Values) -> Values:
    """Ranks 1..n from the least up; equal values share the mean of theirs."""
    _, where, counts = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[where]


def rank_correlation(a: Values, b: Values) -> float:
    """Spearman's rho, ties at their mean rank; 0 where one of them does not vary."""
    ranks = [mean_rank(x) - (len(x) + 1) / 2 for x in (a, b)]
    size = np.sqrt(np.sum(ranks[0] ** 2) * np.sum(ranks[1] ** 2))
    return float(np.sum(ranks[0] * ranks[1]) / size) if size > 0 else 0.0


def rank_correlation_by_kl(
    proxy: Values, gold: Values, kl: Values, edges: Values
) -> Values:
    """Spearman's rho of proxy and gold in each bin [edge_k, edge_k+1) of KL, nats.

    It falls as the policy leaves what the proxy was trained on. NaN in an empty bin.
    """
    bin_ = np.digitize(kl, edges) - 1
    found = np.full(len(edges) - 1, np.nan)
    for k in range(len(found)):
        inside = bin_ == k
        if inside.any():
            found[k] = rank_correlation(proxy[inside], gold[inside])
    return found


def saturation(reward: Values) -> float:
    """The share of rewards that equal the highest: nothing tells them apart."""
    reward = np.asarray(reward)
    return float(np.mean(reward == reward.max())) if reward.size else 0.0


def share_without_spread(reward: Values, group: Int[np.ndarray, " N"]) -> float:
    """The share of groups whose rewards are all equal: they teach GRPO nothing."""
    reward, groups = np.asarray(reward), np.unique(group)
    equal = [np.ptp(reward[np.asarray(group) == g]) == 0 for g in groups]
    return float(np.mean(equal)) if equal else 0.0


def repetition(
    tokens: Int[np.ndarray, "N T"], mask: Bool[np.ndarray, "N T"], n: int = 4
) -> Values:
    """1 - distinct / all n-grams of each row's True tokens; 0 for a row under n."""
    found = np.zeros(len(tokens))
    for i, row in enumerate(np.asarray(tokens)):
        kept = row[np.asarray(mask[i], bool)]
        grams = [tuple(kept[k : k + n]) for k in range(len(kept) - n + 1)]
        found[i] = 1 - len(set(grams)) / len(grams) if grams else 0.0
    return found


def disagreement_at_the_top(members: Float[np.ndarray, "M N"]) -> float:
    """Spearman's rho of an ensemble's mean score and its standard deviation.

    Above 0, the members agree least on what they score highest: the sign that high
    scores are errors of single members (arXiv 2310.02743).
    """
    members = np.asarray(members, np.float64)
    return rank_correlation(members.mean(axis=0), members.std(axis=0))


def phrase_counts(texts: list[str], phrases: tuple[str, ...]) -> Int[np.ndarray, "N P"]:
    """How often each phrase stands in each text, in any case: habits that grow."""
    lower = [text.lower() for text in texts]
    counts = [[text.count(phrase.lower()) for phrase in phrases] for text in lower]
    return np.array(counts, int).reshape(len(texts), len(phrases))
