"""How good a policy is on problems that it was not trained on."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from rewardlab.analysis.pass_at_k import mean_pass_at_k
from rewardlab.analysis.statistics import Interval
from rewardlab.console import Sample
from rewardlab.learner import Params
from rewardlab.prepare import Run
from rewardlab.tasks.columns import take
from rewardlab.types import Rollout

AT_ONCE = 64  # prompts
Verdicts = Bool[np.ndarray, "problems samples"]


class Judged(NamedTuple):
    """What a policy did with the held-out problems."""

    correct: Verdicts
    means: dict[str, float]  # of what the task knows of a completion, by name
    rollout: Rollout  # the last of those that it is of


def held_out(run: Run, params: Params) -> Judged:
    """Samples every held-out problem `eval.num_generations` times."""
    count, facts = len(run.held_out["id"]), []
    size = AT_ONCE if count % AT_ONCE == 0 else count
    for start in range(0, count, size):
        columns = take(run.held_out, np.arange(start, start + size))
        zero = jnp.zeros((), jnp.int32)
        rollout = run.program.evaluate(params, columns, run.key, zero)
        rollout = jax.device_get(rollout)
        facts.append(_facts(rollout))
    of = {name: np.concatenate([chunk[name] for chunk in facts]) for name in facts[0]}
    correct = of.pop("correct").reshape(count, run.config.eval.num_generations) > 0
    means = {name: float(np.nanmean(x)) for name, x in of.items() if np.any(x == x)}
    return Judged(correct, means, rollout)


def _facts(rollout: Rollout) -> dict[str, Float[np.ndarray, " N"]]:
    """The length in tokens and every [N] signal, NaN where it is absent."""
    facts: dict[str, np.ndarray] = {}
    facts["mean_length"] = np.asarray(np.sum(rollout.mask, axis=1), np.float64)
    for name, x in rollout.signals.items():
        if x.ndim == 1 and np.issubdtype(x.dtype, np.floating):
            has = rollout.signals.get(f"{name}_valid", np.ones(len(x), bool))
            facts[name] = np.where(has, x, np.nan)
    return facts


def pass_at(correct: Verdicts) -> dict[str, Interval]:
    """pass@1 and, where there are samples enough, pass@8, with Wilson intervals."""
    samples = correct.shape[1]
    ks = [k for k in (1, 8) if k <= samples]
    return {f"pass@{k}": mean_pass_at_k(correct.sum(axis=1), samples, k) for k in ks}


def samples_of(run: Run, rollout: Rollout) -> list[Sample]:
    """The first sample of up to six problems."""
    decode, wanted = run.task.tokenizer.decode, run.config.eval.num_generations
    samples = []
    for row in range(0, min(6 * wanted, len(rollout.tokens)), wanted):
        b = rollout.group[row]
        prompt = decode(rollout.prompts[b][rollout.prompt_mask[b]].tolist())
        text = decode(rollout.tokens[row][rollout.valid[row]].tolist())
        samples.append(Sample(prompt, text, bool(rollout.signals["correct"][row] > 0)))
    return samples
