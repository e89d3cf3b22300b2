"""The language model, token by token in float64, from its equations."""

import jax
import numpy as np


def norm(x, scale, eps):
    return x / np.sqrt(np.mean(x**2) + eps) * scale


def rope(x, position, theta):
    """Pairs (x_i, x_{i + D/2}) turn by position * theta^(-2i/D)."""
    half, out = len(x) // 2, np.zeros(len(x))
    for i in range(half):
        angle = position * theta ** (-2 * i / len(x))
        c, s = np.cos(angle), np.sin(angle)
        out[i] = x[i] * c - x[i + half] * s
        out[i + half] = x[i + half] * c + x[i] * s
    return out


def oracle_layer(p, config, xs):
    d, shared = config.head_dim, config.num_heads // config.num_kv_heads
    normed = [norm(x, p["attention_norm"], config.norm_eps) for x in xs]
    cut = lambda x, h: x[h * d : (h + 1) * d]  # noqa: E731
    after = []
    for t, x in enumerate(xs):
        mixed = np.zeros(config.num_heads * d)
        for h in range(config.num_heads):
            kv = h // shared  # query heads 0..R-1 share key head 0, and so on
            q = rope(cut(normed[t] @ p["query"], h), t, config.rope_theta)
            scores = np.zeros(t + 1)
            for s in range(t + 1):
                k = rope(cut(normed[s] @ p["key"], kv), s, config.rope_theta)
                scores[s] = q @ k / np.sqrt(d)
            weights = np.exp(scores) / np.sum(np.exp(scores))
            for s in range(t + 1):
                cut(mixed, h)[:] += weights[s] * cut(normed[s] @ p["value"], kv)
        x = x + mixed @ p["out"]
        y = norm(x, p["ffn_norm"], config.norm_eps)
        gate, up = y @ p["gate"], y @ p["up"]
        after.append(x + (gate / (1 + np.exp(-gate)) * up) @ p["down"])
    return after


def oracle(params, config, tokens):
    p = jax.tree.map(lambda x: np.asarray(x, np.float64), params)
    xs = [p["embedding"][i] for i in tokens]
    for name in sorted(p["layers"]):
        xs = oracle_layer(p["layers"][name], config, xs)
    head = p["embedding"].T if config.tied else p["head"]
    return np.stack([norm(x, p["final_norm"], config.norm_eps) @ head for x in xs])
