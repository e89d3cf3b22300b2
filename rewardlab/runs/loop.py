"""Iterations from a state to the last step, with all that is written on the way."""

import io
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rewardlab.analysis.pass_at_k import dead_group_share
from rewardlab.core.types import Rollout
from rewardlab.data.columns import batch_indices, paired_indices
from rewardlab.learning.learner import LearnerState, Report
from rewardlab.runs.alarms import Watch
from rewardlab.runs.bundle import Bundle, named_leaves, write_bundle
from rewardlab.runs.completions import completion_lines, texts_of
from rewardlab.runs.console import TRAINING, Console
from rewardlab.runs.early import early
from rewardlab.runs.evaluate import Judged, Verdicts, held_out, pass_at, samples_of
from rewardlab.runs.evaluations import Clock, Spent, in_step, times_sampled
from rewardlab.runs.facts import measures_of
from rewardlab.runs.interrupts import Stop
from rewardlab.runs.iteration import Models
from rewardlab.runs.metrics import Metrics, Row
from rewardlab.runs.prepare import Run
from rewardlab.runs.record import resolved, save_state, write_facts
from rewardlab.runs.rows import rows_of
from rewardlab.runs.sinks import Sinks
from rewardlab.runs.stopping import Trouble, hole, not_finite, skipped_scorers
from rewardlab.runs.worth import worth_of
from rewardlab.system.commit import commit
from rewardlab.system.files import short, write_whole
from rewardlab.system.processes import agreed, fetched, is_first


class Loop:
    """Trains a state; what is `frozen` stays as it is."""

    def __init__(
        self,
        run: Run,
        console: Console,
        sinks: Sinks,
        stop: Stop,
        frozen: Models,
        began: Clock,
    ) -> None:
        self.context, self.console, self.sinks, self.stop = run, console, sinks, stop
        self.frozen, self.spent = frozen, Spent(run.workdir, began)
        self.trouble = Trouble(run.config, run.workdir)
        self.watch, self.noted = Watch(), ""
        self.iterate = run.program.iterate

    def arguments(self, state: LearnerState, step: int) -> tuple:
        """Of `Program.iterate`, for iteration number `step`."""
        run, program = self.context, self.context.program
        size = run.config.rollout.num_prompts * program.rounds
        place, pair = (run.config.seed, step - 1), run.problems.arrays.get("pair")
        rows = (
            batch_indices(*place, run.problems.size, size)
            if pair is None
            else paired_indices(*place, np.asarray(pair), size)
        )
        batch = run.problems.take(rows)
        batch = batch.on_device if program.fused else batch
        now = jnp.asarray(step - 1)
        return state, self.frozen, batch, run.key, now, program.hp

    def compile(self, state: LearnerState) -> None:
        """Begins to compile the iteration, if there is one to come."""
        if int(state.step) < self.context.config.train.max_steps:
            self.iterate = early(self.iterate, *self.arguments(state, 1))

    def run(self, state: LearnerState) -> LearnerState:
        """Trains to `train.max_steps`; told to stop, it ends its step and saves."""
        config = self.context.config
        first, last = int(state.step), config.train.max_steps
        self.watch = Watch(rows_of(self.context.workdir))
        progress = self.console.progress("training", last, TRAINING, first)
        with self.stop.after_the_step(), progress as show:
            for step in range(first + 1, last + 1):
                state, row = self.step(state, step)
                show(step, row, self.note(step, row))
                told = self.stop.agree()
                if step % config.checkpoint.every == 0 or step == last or told:
                    self.save(state)
                if step < last:
                    self.stop.leave()
        return state

    def step(self, state: LearnerState, step: int) -> tuple[LearnerState, Row]:
        """Iteration number `step` (from 1), its metrics and its completions."""
        config = self.context.config
        began = time.monotonic()
        before = jax.tree.map(jnp.copy, state.reward)  # the state is donated
        state, report, rollout = self.iterate(*self.arguments(state, step))
        program = self.context.program
        metrics = dict(program.measure(before, state, report, rollout, program.hp))
        tokens = int(jnp.sum(rollout.mask))
        seconds = time.monotonic() - began
        metrics |= {"step_time": seconds, "tokens_per_sec": tokens / seconds}
        metrics["completions/tokens"] = round(tokens * times_sampled(metrics))
        asked = (self.context.evaluations, program.plan, step, metrics)
        metrics |= in_step(*asked)
        self.spent.add(metrics)
        self.write_rollout(step, before, report, rollout)
        if step % config.eval.every == 0 or step == config.train.max_steps:
            row = self.evaluate(state, metrics, ("after",))
        else:
            row = self.sinks.write(step, metrics)
        self.refuse_trouble(state, report, metrics, row)
        return state, row

    def evaluate(self, state: LearnerState, metrics: Row, when: tuple[str, ...]) -> Row:
        """Writes a step's metrics with held-out shares; shows samples at both ends."""
        run, step = self.context, int(state.step)
        judged = held_out(run, state, self.frozen)
        numbers = _numbers(judged)
        row = self.sinks.write(step, {**metrics, **numbers})
        measures = measures_of(run, [name.removeprefix("eval/") for name in numbers])
        agreed(lambda: write_facts(run.workdir, {"measures": measures}))
        if "before" in when and judged.correct.shape[1]:
            self.console.say(dead_groups_at_first(run, judged))
        for which in when:
            _keep(run, f"held_out_{which}.npy", judged)
            if which == "before" or step >= run.config.train.max_steps:
                title = f"samples {which} training"
                self.console.samples(title, samples_of(run, judged))
        return row

    def note(self, step: int, row: Row) -> str:
        """What the progress line says of the run's health; "" while all is well."""
        self.watch.add({"step": step, **row})
        said = below(self.context, row)
        self.noted = self.noted if said is None else said
        names = [x.name for x in self.watch.now() if x.name != "below_base"]
        return "  ".join(filter(None, (self.noted, ", ".join(names))))

    def refuse_trouble(
        self, state: LearnerState, report: Report, metrics: Metrics, row: Row
    ) -> None:
        """Names the rows of a skipped step; stops, saved, after too many in a row."""
        if int(state.skipped):
            what = not_finite(report)
            self.console.say(f"step {int(state.step)} skipped: {what} not finite")
        for name in skipped_scorers(state):
            where = f"in step {int(state.step)}: its loss or gradient is not finite"
            self.console.say(f"the scorer {name!r} did not learn {where}")
        trouble = self.trouble(state, report, metrics, row)
        if error := hole(state, report) or trouble:
            self.save(state)
            raise error

    def write_rollout(
        self, step: int, before: Any, report: Report, rollout: Rollout
    ) -> None:
        """The step's completions, as text with what each word made of them, and its
        bundle, where these are due."""
        run, log = self.context, self.context.config.log
        every = (log.completions_every, log.bundle_every)
        due = [n and (step % n == 0 or step == 1) for n in every]
        if not any(due):
            return
        seen = jax.device_get(fetched((before, report, rollout)))
        if not is_first():
            return
        before, report, rollout = seen
        # Of the host's arrays, so that it is the program that `rescore` runs.
        stages = jax.device_get(run.program.stages(before, rollout, run.program.hp))
        worth = worth_of(report.advantage, report.reward, stages, run.program.words)
        texts = texts_of(rollout, run.task.tokenizer)
        if due[0]:
            lines = completion_lines(rollout, worth, texts)
            self.sinks.write_completions(step, lines)
        if due[1]:
            problem, state = np.asarray(report.problem), named_leaves(before)
            place = (step, rollout, problem, worth, state, texts)
            bundle = Bundle(*place, resolved(run.config), commit())
            write_bundle(run.workdir, bundle)

    def save(self, state: LearnerState) -> None:
        """A checkpoint of this step; its metrics are on the disk before it is."""
        rows = self.sinks.settle()
        saved = save_state(self.context.workdir, self.context.config, state, rows)
        agreed(self.spent.write)
        last = self.context.config.train.max_steps
        self.stop.left = (
            f"{short(saved)} is saved, the same command goes on from step "
            f"{int(state.step)} of {last}"
        )


def judged_at(run: Run, step: int, row: Row) -> bool:
    """Whether the newest held-out verdicts in the workdir are those of that step."""
    kept = verdicts(run.workdir, "after")
    if kept is None or "eval/mean_length" not in row:
        return False
    share = pass_at(kept).get("pass@1")
    return share is None or share.mean == row.get("eval/pass@1")


def verdicts(workdir: Path, when: str) -> Verdicts | None:
    """The held-out verdicts that are kept in the workdir, if they are whole."""
    try:
        kept = np.load(workdir / f"held_out_{when}.npy")
    except (OSError, ValueError, EOFError):
        return None
    whole = isinstance(kept, np.ndarray) and kept.ndim == 2 and kept.dtype == bool
    return kept if whole else None


def dead_groups_at_first(run: Run, judged: Judged) -> str:
    """How many groups will teach nothing at first, and what makes them fewer."""
    group = run.config.rollout.num_generations
    share = dead_group_share(judged.correct.astype(float), group)
    said = f"about {share:.0%} of groups of {group} are all right or all wrong"
    if share >= 0.25:
        said += "; fewer with more rollout.num_generations, problems nearer to half, "
        said += "or select=\"drop_uniform('correct') | refill(2)\""
    return said


def below(run: Run, row: Row) -> str | None:
    """A word on held-out accuracy where it is below what the run began with; None for
    a step that judged nothing."""
    now = row.get("eval/pass@1")
    if now is None:
        return None
    before = verdicts(run.workdir, "before")
    shares = {} if before is None else pass_at(before)
    began = shares["pass@1"].mean if shares else now
    return f"held-out {now:.1%} < base {began:.1%}" if now < began else ""


def _numbers(judged: Judged) -> Row:
    shares = {k: x.mean for k, x in pass_at(judged.correct).items()}
    return {f"eval/{k}": x for k, x in {**judged.means, **shares}.items()}


def _keep(run: Run, name: str, judged: Judged) -> None:
    if not is_first():
        return
    content = io.BytesIO()
    np.save(content, judged.correct)
    write_whole(run.workdir / name, content.getvalue())
