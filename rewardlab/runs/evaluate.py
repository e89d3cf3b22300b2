"""How good a policy is on problems that it was not trained on."""

import functools
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float

from rewardlab.analysis.pass_at_k import mean_pass_at_k
from rewardlab.analysis.statistics import Interval
from rewardlab.core.types import Rollout
from rewardlab.learning.learner import LearnerState
from rewardlab.models import lm
from rewardlab.runs.console import Sample
from rewardlab.runs.iteration import Models
from rewardlab.runs.prepare import Run
from rewardlab.scorers.plan import base_of
from rewardlab.system.processes import fetched
from rewardlab.text.stops import completed

AT_ONCE = 64  # prompts, or a few more where the devices need it
Verdicts = Bool[np.ndarray, "problems samples"]


class Judged(NamedTuple):
    """What a policy did with the held-out problems."""

    correct: Verdicts  # no samples where nobody says what is right
    means: dict[str, float]  # of what the task knows of a completion, by name
    rollout: Rollout  # of the first of them


def held_out(run: Run, state: LearnerState, frozen: Models) -> Judged:
    """Samples every held-out problem `eval.num_generations` times, or greedily once.

    Problems go in chunks of one size that the devices divide; what fills the last one
    up is left out again. A completion without a verdict, whose environment failed, does
    not count as right; `unjudged` is the share of such. Whoever makes signals in
    training is asked here too, with the scorers as they are in `state`; where nobody
    makes `correct` there are no verdicts.
    """
    count = run.held_out.size
    size = chunk_size(count, run.driver.devices)
    facts: list[dict[str, np.ndarray]] = []
    rollouts: list[Rollout] = []
    for start in range(0, count, size):
        rows = np.arange(start, start + size) % count
        batch = run.held_out.take(rows)
        batch = batch.on_device if run.program.judged else batch
        case = (state, frozen, batch, run.key, run.program.hp)
        rollout = run.program.evaluate(*case)
        rollout = jax.device_get(fetched(rollout))
        samples = len(rollout.tokens) // size
        real = min(size, count - start) * samples
        facts.append({name: x[:real] for name, x in _facts(rollout).items()})
        rollouts = rollouts or [rollout]
    of = {name: np.concatenate([chunk[name] for chunk in facts]) for name in facts[0]}
    correct = np.zeros((count, 0), bool)
    if "correct" in of:
        verdict = of.pop("correct").reshape(count, samples)
        correct, of["unjudged"] = verdict > 0, np.isnan(verdict).astype(np.float64)
    means = {name: float(np.nanmean(x)) for name, x in of.items() if np.any(x == x)}
    return Judged(correct, means, rollouts[0])


def chunk_size(count: int, devices: int) -> int:
    """Prompts at once: chunks of about `AT_ONCE`, as equal as the devices allow."""
    chunks = -(-count // AT_ONCE)
    return -(-count // (chunks * devices)) * devices


def reported(run: Run) -> list[str]:
    """The names of all held-out numbers that a run will have; nothing is computed."""
    if not run.program.judged:  # which nothing can tell the shapes of
        verdicts = np.zeros((1, run.config.eval.num_generations), bool)
        plan = run.program.plan
        own = [n for n in plan.owners if n == base_of(n)]
        shapes = {n: s.provides[n] for s in plan.scorers for n in s.provides}
        scored = [n for n in own if shapes.get(n) == "N"]
        brought = [n for n in scored if plan.owners[n] not in ("sampler", "task")]
        given = dict.fromkeys([*run.task.signals, *brought])
        verdicts = verdicts if "correct" in given else verdicts[:, :0]
        names = [name for name in given if name != "correct"]
        return [*pass_at(verdicts), "mean_length", *names]
    program, prompts = run.program, run.driver.devices
    params = jax.eval_shape(functools.partial(lm.init, program.model), run.key)
    frozen = program.frozen.shapes(params)
    others = {name: frozen[name] for name in program.frozen.roles}
    case = (params, run.rollout, run.key, program.hp, others)
    state = jax.eval_shape(program.init, *case)
    batch = run.held_out.take(np.arange(prompts) % run.held_out.size).on_device
    arguments = (state, frozen, batch, run.key, program.hp)
    shapes = jax.eval_shape(program.evaluate, *arguments)
    nothing = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shapes)
    samples = len(nothing.tokens) // prompts if "correct" in nothing.signals else 0
    names = [name for name in _facts(nothing) if name != "correct"]
    return [*pass_at(np.zeros((prompts, samples), bool)), *names]


def _facts(rollout: Rollout) -> dict[str, Float[np.ndarray, " N"]]:
    """The policy's tokens and every [N] signal, NaN where it is absent."""
    facts: dict[str, np.ndarray] = {}
    facts["mean_length"] = np.asarray(np.sum(rollout.mask, axis=1), np.float64)
    for name, x in rollout.signals.items():
        if x.ndim == 1 and np.issubdtype(x.dtype, np.floating):
            has = rollout.signals.get(f"{name}_valid", np.ones(len(x), bool))
            facts[name] = np.where(has, x, np.nan)
    return facts


def pass_at(correct: Verdicts) -> dict[str, Interval]:
    """pass@1 and, where there are samples enough, pass@8, with Wilson intervals.

    Nothing, where nobody says what is right.
    """
    samples = correct.shape[1]
    ks = [k for k in (1, 8) if k <= samples]
    return {f"pass@{k}": mean_pass_at_k(correct.sum(axis=1), samples, k) for k in ks}


def samples_of(run: Run, judged: Judged) -> list[Sample]:
    """The first sample of up to six problems."""
    tokenizer, rollout = run.task.tokenizer, judged.rollout
    firsts = np.unique(rollout.group, return_index=True)[1]
    verdicts = rollout.signals.get("correct")
    shown = []
    for row in firsts[: min(6, len(judged.correct))]:
        b = rollout.group[row]
        right = None if verdicts is None else bool(verdicts[row] > 0)
        prompt = tokenizer.decode(rollout.prompts[b][rollout.prompt_mask[b]].tolist())
        text = completed(tokenizer, rollout.tokens[row][rollout.valid[row]].tolist())
        shown.append(Sample(prompt, text, right))
    return shown
