"""The language model, token by token in float64, from its equations."""

import jax
import numpy as np


def norm(p, name, x, config):
    """RMSNorm, or LayerNorm: (x - mean) / deviation * scale + bias."""
    if config.norm == "layer":
        x = x - np.mean(x)
    x = x / np.sqrt(np.mean(x**2) + config.norm_eps) * p[name]
    return x + p[f"{name}_bias"] if config.norm == "layer" else x


def per_head(p, name, x, config):
    """Each head's root mean square at 1, times one scale for all heads."""
    if not config.qk_norm:
        return x
    heads = x.reshape(-1, config.head_dim)
    size = np.sqrt(np.mean(heads**2, axis=1, keepdims=True) + config.norm_eps)
    return (heads / size * p[name]).reshape(-1)


def product(p, name, x, config):
    """x w + b, and with adapters (alpha / r) x a b more."""
    y = x @ p[name]
    if f"{name}_a" in p:
        low = config.lora.alpha / config.lora.rank * (x @ p[f"{name}_a"])
        y = y + low @ p[f"{name}_b"]
    return y + p[f"{name}_bias"] if f"{name}_bias" in p else y


def turns(config):
    """Radians a token of each pair, and the size of the rotation."""
    pairs, scaling = config.head_dim // 2, config.rope_scaling
    plain = [config.rope_theta ** (-i / pairs) for i in range(pairs)]
    if scaling is None:
        return plain, 1.0
    if scaling.kind == "linear":
        return [w / scaling.factor for w in plain], 1.0
    if scaling.kind == "llama3":
        return [llama3(w, scaling) for w in plain], 1.0
    size = 0.1 * np.log(scaling.factor) + 1
    return [yarn(i, plain[i], config) for i in range(pairs)], size


def llama3(w, scaling):
    length, wave = scaling.original_length, 2 * np.pi / w
    if wave < length / scaling.high_freq_factor:
        return w
    if wave > length / scaling.low_freq_factor:
        return w / scaling.factor
    low, high = scaling.low_freq_factor, scaling.high_freq_factor
    smooth = (length / wave - low) / (high - low)
    return (1 - smooth) * w / scaling.factor + smooth * w


def yarn(i, w, config):
    """Pairs up to one that turns beta_fast times stay, from beta_slow on they slow."""
    scaling, pairs = config.rope_scaling, config.head_dim // 2
    # theta^(-i / pairs) * length = 2 pi beta, solved for i
    where = lambda beta: (  # noqa: E731
        pairs
        * np.log(scaling.original_length / (2 * np.pi * beta))
        / np.log(config.rope_theta)
    )
    low = max(np.floor(where(scaling.beta_fast)), 0)
    high = min(np.ceil(where(scaling.beta_slow)), 2 * pairs - 1)
    ramp = min(max((i - low) / (high - low), 0), 1)
    return ramp * w / scaling.factor + (1 - ramp) * w


def rope(x, position, config):
    """Pairs (x_i, x_{i + D/2}) turn by position * theta^(-2i/D)."""
    if config.positions == "learned":
        return x
    half, out = len(x) // 2, np.zeros(len(x))
    angles, size = turns(config)
    for i in range(half):
        c, s = np.cos(position * angles[i]), np.sin(position * angles[i])
        out[i] = size * (x[i] * c - x[i + half] * s)
        out[i + half] = size * (x[i + half] * c + x[i] * s)
    return out


def feed_forward(p, y, config):
    up = product(p, "up", y, config)
    if config.mlp == "swiglu":
        gate = product(p, "gate", y, config)
        up = gate / (1 + np.exp(-gate)) * up
    else:
        up = up / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (up + 0.044715 * up**3)))
    return product(p, "down", up, config)


def oracle_layer(p, config, xs, looks=None):
    d, shared = config.head_dim, config.num_heads // config.num_kv_heads
    ys = [norm(p, "attention_norm", x, config) for x in xs]
    cut = lambda x, h: x[h * d : (h + 1) * d]  # noqa: E731
    queries, keys, values = (
        [product(p, name, y, config) for y in ys] for name in ("query", "key", "value")
    )
    queries = [per_head(p, "query_norm", x, config) for x in queries]
    keys = [per_head(p, "key_norm", x, config) for x in keys]
    after = []
    for t, x in enumerate(xs):
        mixed = np.zeros(config.num_heads * d)
        for h in range(config.num_heads):
            kv = h // shared  # query heads 0..R-1 share key head 0, and so on
            q = rope(cut(queries[t], h), t, config)
            scores = np.zeros(t + 1)
            for s in range(t + 1):
                scores[s] = q @ rope(cut(keys[s], kv), s, config) / np.sqrt(d)
            weights = np.exp(scores) / np.sum(np.exp(scores))
            if looks is not None:
                looks[t, h] = weights
            for s in range(t + 1):
                cut(mixed, h)[:] += weights[s] * cut(values[s], kv)
        x = x + product(p, "out", mixed, config)
        after.append(x + feed_forward(p, norm(p, "ffn_norm", x, config), config))
    return after


def oracle(params, config, tokens, looks=None):
    """Logits; `looks` is filled with the last layer's weights by token and head."""
    p = jax.tree.map(lambda x: np.asarray(x, np.float64), params)
    xs = [p["embedding"][i] for i in tokens]
    if config.positions == "learned":
        xs = [x + p["positions"][t] for t, x in enumerate(xs)]
    for name in sorted(p["layers"]):
        xs = oracle_layer(p["layers"][name], config, xs, looks)
    head = p["embedding"].T if config.tied else p["head"]
    return np.stack([norm(p, "final_norm", x, config) @ head for x in xs])
