"""How good a policy is on problems that it was not trained on."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool

from rewardlab.analysis.pass_at_k import mean_pass_at_k
from rewardlab.analysis.statistics import Interval
from rewardlab.console import Sample
from rewardlab.learner import Params
from rewardlab.prepare import Run
from rewardlab.tasks.columns import take
from rewardlab.types import Rollout

AT_ONCE = 64  # prompts
Verdicts = Bool[np.ndarray, "problems samples"]


def held_out(run: Run, params: Params) -> tuple[Verdicts, Rollout]:
    """Verdicts on the held-out problems, and the last rollout of those they are of."""
    count, chunks = len(run.held_out["id"]), []
    size = AT_ONCE if count % AT_ONCE == 0 else count
    for start in range(0, count, size):
        columns = take(run.held_out, np.arange(start, start + size))
        rollout = run.program.evaluate(params, columns, jnp.zeros((), jnp.int32))
        chunks.append(np.asarray(rollout.signals["correct"]) > 0)
    correct = np.concatenate(chunks).reshape(count, run.config.eval.num_generations)
    return correct, jax.device_get(rollout)


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
