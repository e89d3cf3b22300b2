"""One run, from a config to a result: the loop on the host."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from rewardlab import checkpoint
from rewardlab.analysis.plots import learning_curves
from rewardlab.analysis.statistics import Interval
from rewardlab.console import TRAINING, WARMUP, Console
from rewardlab.evaluate import held_out, pass_at, samples_of
from rewardlab.learner import LearnerState, Params, Report
from rewardlab.metrics import Metrics, Row
from rewardlab.prepare import (
    Run,
    changes,
    make_base,
    prepare,
    saved_base,
    write_config,
)
from rewardlab.program import early
from rewardlab.sinks import Sinks, completion_lines, read_metrics, weights_and_biases
from rewardlab.stopping import Trouble, not_finite
from rewardlab.tasks.columns import batch_indices, take
from rewardlab.tasks.host import TextReward
from rewardlab.types import Rollout


class Result(NamedTuple):
    """What a run came to: its final policy, and held-out shares by "pass@k"."""

    workdir: Path
    params: Params
    before: dict[str, Interval]
    after: dict[str, Interval]
    seconds: float  # of reinforcement learning, evaluations apart


def train(
    config: ConfigDict,
    workdir: str | os.PathLike = "",
    resume: str = "auto",
    text_rewards: Sequence[TextReward] = (),
) -> Result:
    """Trains as the config says and leaves everything in `workdir`.

    Without a `workdir` it is a folder of `runs/`, named by the time.

    `resume`: "auto" goes on from the latest checkpoint in `workdir` if there is one,
    "never" refuses to touch a run that is there, a path begins from another run's
    checkpoint. What a resumed run computes equals, bit for bit on as many devices, what
    an uninterrupted one does. `text_rewards` are asked beside those that
    `config.text_rewards` names. Raises `ValueError` for what cannot run, and
    `FloatingPointError` when too many steps in a row are not finite.
    """
    workdir = workdir or Path("runs", time.strftime("%Y%m%d-%H%M%S"))
    console = Console()
    run = prepare(config, Path(workdir), text_rewards)
    if run.text_rewards:
        console.say(
            f"text rewards ({', '.join(run.text_rewards)}) are asked in training only; "
            "held-out numbers are of what the task makes"
        )
    found = checkpoint.find(workdir, resume)
    base, warmup_seconds = _base(run, console)
    base = run.driver.replicate(base)
    columns = take(run.problems, np.arange(config.rollout.num_prompts))
    state = run.program.learner.init(base, run.program.shapes(base, columns))
    if found is not None:
        state = checkpoint.restore(found, state)
        if changed := changes(config, found):
            console.say(f"going on from {found} with another {', '.join(changed)}")
    others = [weights_and_biases(workdir)] if config.log.wandb else []
    with Sinks(workdir, int(state.step) if found else None, tuple(others)) as sinks:
        loop = Loop(run, console, sinks, base, state)
        if found is None or not (run.workdir / "held_out_before.npy").exists():
            write_config(run)
            loop.evaluate(state, {}, "before")
        state = loop.run(state)
    return _finish(run, console, state, {"warm-up": warmup_seconds})


class Loop:
    """Iterations from a state to the last step, with all that is written on the way."""

    def __init__(
        self,
        run: Run,
        console: Console,
        sinks: Sinks,
        base: Params,
        state: LearnerState,
    ) -> None:
        self.context, self.console, self.sinks = run, console, sinks
        self.base = base
        self.trouble = Trouble(run.config, run.workdir)
        self.iterate = run.program.iterate
        if int(state.step) < run.config.train.max_steps:
            self.iterate = early(self.iterate, *self.arguments(state, 1))

    def arguments(self, state: LearnerState, step: int) -> tuple:
        """Of `Program.iterate`, for iteration number `step`."""
        config, problems = self.context.config, self.context.problems
        size, count = config.rollout.num_prompts, len(problems["id"])
        columns = take(problems, batch_indices(config.seed, step - 1, count, size))
        return state, self.base, columns, self.context.key, jnp.asarray(step - 1)

    def run(self, state: LearnerState) -> LearnerState:
        """Trains to `train.max_steps`; a SIGTERM saves and leaves, exit status 143."""
        config = self.context.config
        first, last = int(state.step), config.train.max_steps
        progress = self.console.progress("training", last, TRAINING, first)
        with progress as show, _sigterm() as told_to_stop:
            for step in range(first + 1, last + 1):
                state, row = self.step(state, step)
                show(step, row)
                stop = told_to_stop.is_set()
                if step % config.checkpoint.every == 0 or step == last or stop:
                    self.save(state)
                if stop and step < last:
                    raise SystemExit(143)
        return state

    def step(self, state: LearnerState, step: int) -> tuple[LearnerState, Row]:
        """Iteration number `step` (from 1), its metrics and its completions."""
        config = self.context.config
        began = time.monotonic()
        state, report, rollout = self.iterate(*self.arguments(state, step))
        metrics = dict(self.context.program.measure(state, report, rollout))
        tokens = int(jnp.sum(rollout.mask))
        seconds = time.monotonic() - began
        metrics |= {"step_time": seconds, "tokens_per_sec": tokens / seconds}
        if step % config.log.completions_every == 0 or step == 1:
            self.write_completions(step, report, rollout)
        if step % config.eval.every == 0 or step == config.train.max_steps:
            row = self.evaluate(state, metrics)
        else:
            row = self.sinks.write(step, metrics)
        self.refuse_trouble(state, report, metrics, row)
        return state, row

    def evaluate(self, state: LearnerState, metrics: Row, when: str = "after") -> Row:
        """Writes a step's metrics with held-out shares; shows samples at both ends."""
        run, step = self.context, int(state.step)
        judged = held_out(run, state.params)
        shares = {k: x.mean for k, x in pass_at(judged.correct).items()}
        numbers = {f"eval/{k}": x for k, x in {**judged.means, **shares}.items()}
        row = self.sinks.write(step, {**metrics, **numbers})
        np.save(run.workdir / f"held_out_{when}.npy", judged.correct)
        if when == "before" or step == run.config.train.max_steps:
            self.console.samples(f"samples {when} training", samples_of(run, judged))
        return row

    def refuse_trouble(
        self, state: LearnerState, report: Report, metrics: Metrics, row: Row
    ) -> None:
        """Names the rows of a skipped step; stops, saved, after too many in a row."""
        if int(state.skipped):
            what = not_finite(report)
            self.console.say(f"step {int(state.step)} skipped: {what} not finite")
        if error := self.trouble(state, report, metrics, row):
            self.save(state)
            raise error

    def write_completions(self, step: int, report: Report, rollout: Rollout) -> None:
        """The file of this step's completions, with every signal and advantage."""
        rollout, report = jax.device_get((rollout, report))
        reward = report.reward
        lines = completion_lines(
            rollout,
            np.asarray(report.advantage),
            np.where(reward.has_value, reward.total, np.nan),
            self.context.task.tokenizer.decode,
        )
        self.sinks.write_completions(step, lines)

    def save(self, state: LearnerState) -> None:
        """A checkpoint of this step."""
        config = self.context.config
        extra = {"config": json.loads(config.to_json_best_effort())}
        workdir, keep = self.context.workdir, config.checkpoint.keep
        checkpoint.save(workdir, int(state.step), state, extra, keep)


def _base(run: Run, console: Console) -> tuple[Params, float]:
    """The policy that learning starts from, and the seconds that it took."""
    began, steps = time.monotonic(), run.config.warmup.steps
    base = saved_base(run)
    if base is None:
        with console.progress("warm-up", steps, WARMUP) as show:
            for step, base, row in make_base(run):  # noqa: B007
                if step % 10 == 0 and step:
                    show(step, {"loss": float(row["loss"])})
    return base, time.monotonic() - began


def _finish(
    run: Run, console: Console, state: LearnerState, seconds: dict[str, float]
) -> Result:
    """The picture, the table, and where everything lies."""
    workdir = run.workdir
    before, after = (
        pass_at(np.load(workdir / f"held_out_{when}.npy"))
        for when in ("before", "after")
    )
    rows = read_metrics(workdir / "metrics.jsonl")
    trained = sum(row.get("step_time") or 0.0 for row in rows)
    picture = workdir / "learning_curves.png"
    learning_curves(
        {run.config.reward: [workdir / "metrics.jsonl"]}, picture, workdir.name
    )
    shares = {name: (before[name], after[name]) for name in before if name in after}
    files: dict[str, str | Path] = {
        "learning curves": picture,
        "metrics": workdir / "metrics.jsonl",
        "completions": workdir / "completions",
        "checkpoints": workdir / "checkpoints",
        "config": workdir / "config.json",
        "TensorBoard": f"tensorboard --logdir {workdir}/tensorboard",
    }
    console.result(shares, {**seconds, "training": trained}, files)
    return Result(workdir, state.params, before, after, trained)


@contextmanager
def _sigterm() -> Iterator[threading.Event]:
    """Set once the process is told to stop, so that a step can end and be saved."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
