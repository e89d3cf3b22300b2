"""Advantages against a critic's values, and several rewards at once."""

import numpy as np

from golden_adapters.common import (
    advantages,
    groups,
    only,
    per_row,
    rollout_of,
    sentence,
    values,
    with_end,
)


def verl_gae(inputs, hyper):
    """verl and Tunix; what stands outside the mask is a leftover there."""
    mask = np.asarray(inputs["response_mask"], bool)
    value = np.asarray(inputs["values"], float)
    rollout = rollout_of(mask, r=inputs["token_level_rewards"], value=value)
    hp = {"discount": float(inputs["gamma"]), "decay": float(inputs["lam"])}
    plain = values(sentence("gae", outcome="dense('r')", whiten=""), rollout, **hp)
    white = values(sentence("gae", outcome="dense('r')"), rollout, **hp)
    return {
        "advantages_whitened": only(mask, white),
        "returns": only(mask, plain + value),
        "max_abs_diff_vs_verl": np.ma.masked_all(()),
    }


def vla_rl_gae(inputs, hyper):
    """Each episode of each environment becomes a row; `dones` says where one begins.

    The last episode goes on: one more step, whose reward is its value, stands for that.
    """
    rewards, value = np.asarray(inputs["rewards[S,N]"], float), inputs["values"]
    value = np.concatenate([value, [inputs["next_value"]]])
    dones = np.concatenate([inputs["dones"], [inputs["dones_next"]]])
    steps, envs = rewards.shape
    last = np.where(dones[-1] > 0, 0.0, value[-1])
    value[-1], rewards = last, np.concatenate([rewards, [last]])
    episode = np.cumsum(dones, axis=0).astype(int)
    episode -= episode[0]
    count = episode.max() + 1
    row = np.arange(envs) * count + episode  # [S + 1, N]
    here = row.T[:, None, :] == np.arange(envs * count).reshape(envs, count)[:, :, None]
    mask = here.reshape(envs * count, steps + 1)
    spread = lambda x: np.repeat(x.T, count, axis=0)  # noqa: E731
    order = np.where(mask, np.cumsum(mask, axis=1) - 1, -1)
    compact = np.argsort(~mask, axis=1, kind="stable")
    rollout = rollout_of(
        mask,
        step=order,
        r=spread(rewards),
        step_value=np.take_along_axis(spread(value), compact, axis=1),
    )
    hp = {"discount": hyper["gamma"], "decay": hyper["lam"]}
    text = sentence("vla_rl", outcome="dense('r')")
    found = advantages(text, rollout, **hp).reshape(envs, count, -1).sum(axis=1).T
    found = found[:steps]
    return {"advantages": found, "returns": found + value[:steps]}


def multi_gamma_gae(inputs, hyper):
    """The reference's mask silences rewards and values; time passes all the same."""
    (name,) = (key for key in inputs if key.startswith("rewards"))
    mask = np.asarray(inputs["mask"], float)
    value = np.asarray(inputs["values"], float) * mask
    rewards = np.asarray(inputs[name], float)
    rewards = rewards[..., None] if rewards.ndim == 2 else rewards
    rewards = rewards * mask[..., None]
    given = inputs.get("gammas", inputs.get("gamma"))
    gammas = [float(g) for g in np.atleast_1d(given)]
    decay = float(inputs.get("lambda", 1.0))
    names = [f"r{k}" for k in range(rewards.shape[-1])]
    columns = {n: rewards[..., k] for k, n in enumerate(names)}
    rollout = rollout_of(np.ones(mask.shape), value=value, **columns)
    if len(gammas) == 1:
        parts = [f"dense('{n}')" for n in names]
        parts += [f"weighted_sum({', '.join(f'{n}=1' for n in names)})"]
        parts += [f"gae('value', {gammas[0]!r}, {decay!r})"]
    else:
        parts = [f"dense('{n}')" for n in names]
        paired = zip(names, gammas, strict=True)
        parts += [f"on('{n}', returns_to_go(discount={g!r}))" for n, g in paired]
        parts += [f"weighted_sum({', '.join(f'{n}=1' for n in names)})"]
        parts += ["center_by_signal('value')"]
    found = values(" | ".join(parts), rollout)
    return {"advantages": found, "returns": found + value}


def outcomes(rewards, weights):
    """Sources for each column of rewards, and their sum."""
    names = [f"f{k}" for k in range(rewards.shape[1])]
    add = ", ".join(f"{n}={float(w)!r}" for n, w in zip(names, weights, strict=True))
    return names, " | ".join(f"outcome('{n}')" for n in names), add


def trl_gdpo(nan_is_zero):
    """TRL's GDPO: in its authors' fork a missing reward is 0, upstream leaves it out.

    A scorable row counts in the batch's statistics though nobody shares its rewards:
    `scored` places a 0 for it.
    """

    def adapt(inputs, hyper):
        rewards = np.asarray(inputs["rewards_per_func"], float)
        missing = np.isnan(rewards) & (not nan_is_zero)
        weights = inputs.get("reward_weights") or [1.0] * rewards.shape[1]
        names, sources, add = outcomes(rewards, weights)
        signals = {n: np.nan_to_num(rewards[:, k]) for k, n in enumerate(names)}
        signals |= {f"{n}_valid": ~missing[:, k] for k, n in enumerate(names)}
        signals |= {"scored": np.zeros(len(rewards))}
        signals |= {"scored_valid": ~missing.all(axis=1)}
        text = sentence(
            "gdpo", weighted_sum=f"outcome('scored') | weighted_sum({add}, scored=1)"
        )
        text = text.replace("outcome('correct') | outcome('format')", sources)
        group = np.arange(len(rewards)) // inputs["num_generations"]
        rollout = rollout_of(per_row(rewards), group=group, **signals)
        return {"advantages": advantages(text, rollout)[:, 0]}

    return adapt


def verl_gdpo(inputs, hyper):
    """Centred over rows (those without tokens count), whitened over tokens."""
    rewards = np.asarray(inputs["rewards_per_func"], float)
    mask = np.asarray(inputs["response_mask"], bool)
    names, sources, add = outcomes(rewards, [1.0] * rewards.shape[1])
    text = sentence("gdpo_like_verl", weighted_sum=f"weighted_sum({add})", whiten="")
    text = text.replace("outcome('correct') | outcome('format')", sources)
    signals = {n: rewards[:, k] for k, n in enumerate(names)}
    rollout = rollout_of(with_end(mask), group=groups(inputs["index"]), **signals)
    before = np.where(mask, advantages(text, rollout)[:, :-1], 0)
    white = advantages("dense('x') | whiten(eps=1e-8)", rollout_of(mask, x=before))
    return {"advantages": white, "pre_whiten": before}


ADAPTERS = {
    "gae": verl_gae,
    "tunix_gae": verl_gae,
    "vla_rl_gae": vla_rl_gae,
    "multi_gamma_gae": multi_gamma_gae,
    "gdpo_trl_fork": trl_gdpo(nan_is_zero=True),
    "trl_gdpo": trl_gdpo(nan_is_zero=False),
    "gdpo_verl_fork": verl_gdpo,
}
MASKED_MEANS = (1e-7, "its masked means divide by count + 1e-8")
LOOSE_64 = {
    "gae": MASKED_MEANS,
    "tunix_gae": MASKED_MEANS,
    "vla_rl_gae": (1e-4, "float32 in the reference; returns cancel"),
}
