"""Made-up rollouts for tests: ragged rows, holes of environment tokens, signals."""

import jax.numpy as jnp
import numpy as np

from rewardlab.signals import SIGNALS, made
from rewardlab.types import Rollout


def ragged(
    seed: int = 0,
    prompts: int = 3,
    samples: int = 4,
    tokens: int = 12,
    steps: int = 4,
    holes: bool = True,
) -> Rollout:
    """A rollout of prompts * samples rows, of which some are short and one is empty.

    Each row is cut into 1..steps steps; with `holes`, the last token of about half of
    the steps before the last comes from the environment. Signals: `correct` [N] in
    {0, 1}, `score` [N], `ref_score` [N, 10], `prm` and `belief` [N, steps] in (0, 1),
    `dense` and `ref_logp` [N, tokens]; the others of `SIGNALS` are drawn as there.
    """
    rng = np.random.default_rng(seed)
    n = prompts * samples
    valid = np.zeros((n, tokens), bool)
    mask = np.zeros((n, tokens), bool)
    step = np.full((n, tokens), -1)
    for i in range(n):
        length = 0 if i == n - 1 else int(rng.integers(1, tokens + 1))
        count = int(rng.integers(1, steps + 1))
        cuts = np.sort(rng.choice(np.arange(1, tokens), count - 1, replace=False))
        valid[i, :length] = mask[i, :length] = True
        step[i, :length] = np.searchsorted(cuts, np.arange(length), side="right")
        for cut in cuts[cuts < length] if holes else ():
            first = cut == 1 or step[i, cut - 2] != step[i, cut - 1]
            mask[i, cut - 1] = first or bool(rng.random() < 0.5)
    logp = -rng.exponential(size=(n, tokens))
    signals = {
        "correct": rng.integers(0, 2, n).astype(float),
        "score": rng.normal(size=n),
        "ref_score": rng.normal(size=(n, 10)),
        "prm": rng.uniform(size=(n, steps)),
        "belief": rng.uniform(size=(n, steps)),
        "dense": rng.normal(size=(n, tokens)),
        "ref_logp": -rng.exponential(size=(n, tokens)),
    }
    others = made(rng, n, tokens, steps)
    others = {k: v for k, v in others.items() if k in SIGNALS}  # nothing abstains
    group = np.repeat(np.arange(prompts), samples)
    return from_arrays(mask, group, step, valid, logp, **{**others, **signals})


def from_arrays(
    mask, group=None, step=None, valid=None, logp=None, **signals
) -> Rollout:
    """A rollout of these rows; one group, one step and no environment unless said.

    Floats take JAX's default precision at the time of the call.
    """
    mask = np.asarray(mask, bool)
    n, width = mask.shape
    valid = mask if valid is None else np.asarray(valid, bool)
    group = np.zeros(n, int) if group is None else np.asarray(group)
    count = int(group.max(initial=0)) + 1
    return Rollout(
        prompts=jnp.zeros((count, 3), jnp.int32),
        prompt_mask=jnp.ones((count, 3), bool),
        group=jnp.asarray(group, jnp.int32),
        tokens=jnp.zeros((n, width), jnp.int32),
        mask=jnp.asarray(mask),
        valid=jnp.asarray(valid),
        step=jnp.asarray(np.where(valid, 0, -1) if step is None else step, jnp.int32),
        logp=jnp.asarray(np.zeros((n, width)) if logp is None else logp, float),
        signals={k: jnp.asarray(v) for k, v in signals.items()},
        iteration=jnp.zeros((), jnp.int32),
    )
