"""One run, from a config to a result."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ml_collections import ConfigDict

from rewardlab.analysis.statistics import Interval
from rewardlab.core.types import RewardTransform
from rewardlab.figures.curves import Trained
from rewardlab.figures.training import draw_training
from rewardlab.learning.learner import LearnerState, Params
from rewardlab.learning.parallel import matmul_precision
from rewardlab.methods import Method
from rewardlab.models.lm import LMConfig
from rewardlab.objectives import Objective
from rewardlab.runs.alarms import Alarm, alarms_of
from rewardlab.runs.console import Console
from rewardlab.runs.evaluate import pass_at
from rewardlab.runs.evaluations import Clock
from rewardlab.runs.handed import Scorers, Words, handed, handed_model
from rewardlab.runs.interrupts import Stop, stopping
from rewardlab.runs.loop import Loop, judged_at, verdicts
from rewardlab.runs.prepare import Run, prepare
from rewardlab.runs.rows import cut_back, row_at
from rewardlab.runs.sinks import Sinks, read_metrics, weights_and_biases
from rewardlab.runs.start import Start, begin
from rewardlab.system.files import in_a_sentence
from rewardlab.system.lock import only_one
from rewardlab.system.processes import agreed, held, is_first
from rewardlab.system.watch import watched
from rewardlab.tasks import Task
from rewardlab.text.tokenizers import Tokenizer


class Result(NamedTuple):
    """The result of a run: its final policy, and held-out shares by "pass@k"."""

    workdir: Path
    params: Params
    before: dict[str, Interval]
    after: dict[str, Interval]
    seconds: float  # of reinforcement learning, evaluations apart
    alarms: tuple[Alarm, ...] = ()  # what its metrics say went wrong


def train(
    config: ConfigDict,
    workdir: str | os.PathLike = "",
    resume: str = "auto",
    task: "Task | str | None" = None,
    reward: "RewardTransform | Method | str | None" = None,
    loss: "Objective | str | None" = None,
    scorers: "Scorers | Sequence[Scorers]" = (),
    words: "Words | Sequence[Words]" = (),
    model: "str | os.PathLike | tuple[LMConfig, Params] | None" = None,
    tokenizer: "str | os.PathLike | Tokenizer | None" = None,
) -> Result:
    """Trains as the config says and leaves everything in `workdir`.

    train(default_config("data"), "runs/mine", reward=my_transform, words=my_module)

    Without a `workdir` it is a folder of `runs/`, named by the time. A `task`, a
    `reward`, a `loss` and `words` of your own, as objects or by name, stand before what
    the config says, and `scorers`, such as functions that read text, beside it; the
    record has them by `package.module:attribute` where they have such a name. `model`
    is a Hugging Face folder, a name, or an `LMConfig` with its parameters; its own
    tokenizer is used, unless a `tokenizer` is given.

    `resume`: "auto" goes on from the latest checkpoint in `workdir` if there is one,
    "never" refuses to touch a run that is there, a path begins from another run's
    checkpoint. What a resumed run computes equals, bit for bit on as many devices, what
    an uninterrupted one does. One process at a time may train in a workdir. Raises
    `ValueError` for what cannot run, `FloatingPointError` when too many steps in a row
    are not finite, and ends the process on SIGTERM or Ctrl-C once a step is saved.

    Processes that `jax.distributed` has joined train together when each calls this with
    the same arguments, `workdir` among them; the first of them writes and speaks.
    """
    workdir = Path(workdir or Path("runs", time.strftime("%Y%m%d-%H%M%S")))
    console, began = Console(), Clock.now()
    with (
        stopping(console) as stop,
        in_a_sentence(),
        handed(config, task, reward, loss, scorers, words) as config,
        handed_model(config, model, tokenizer) as config,
    ):
        console.speak(is_first())
        run = prepare(config, workdir, console.say)
        for note in run.notes:
            console.say(note)
        for sentence in run.program.plan.replaced:
            console.say(sentence)
        precision = matmul_precision(config.model.matmul_precision)
        with watched(), held(lambda: only_one(workdir)), precision:
            start = begin(run, resume, console, stop)
            state = _trained(run, console, stop, start, began)
            base = start.frozen.get("reference", {})
            params = run.program.trained.whole(state.params, base)
            return _finish(run, console, params, {"warm-up": start.seconds})


def _trained(
    run: Run, console: Console, stop: Stop, start: Start, began: Clock
) -> LearnerState:
    """The last state; held-out problems are judged at both ends, if they are not."""
    workdir, state, step = run.workdir, start.state, int(start.state.step)
    back = step if start.found else -1
    if lacks := agreed(lambda: cut_back(workdir, back, start.known)):
        console.say(f"{workdir / 'metrics.jsonl'} lacks the steps {lacks}")
    row = agreed(lambda: row_at(workdir, step))
    when = []
    if not start.found or agreed(lambda: verdicts(workdir, "before")) is None:
        when.append("before")
        if row:
            console.say(f"the first held-out verdicts are gone: taken at step {step}")
    if step >= run.config.train.max_steps and not agreed(
        lambda: judged_at(run, step, row)
    ):
        when.append("after")
    wandb = run.config.log.wandb and is_first()
    others = [weights_and_biases(workdir)] if wandb else []
    # A step that is judged now is written anew, with what was measured of it before.
    with Sinks(workdir, step - bool(when), tuple(others)) as sinks:
        loop = Loop(run, console, sinks, stop, start.frozen, began)
        loop.compile(state)
        if when:
            loop.evaluate(state, row, tuple(when))
        return loop.run(state)


def _finish(
    run: Run, console: Console, params: Params, seconds: dict[str, float]
) -> Result:
    """The picture, the table, and where everything lies."""
    told = agreed(lambda: _told(run, console, seconds))
    return Result(run.workdir, params, *told)


def _told(
    run: Run, console: Console, seconds: dict[str, float]
) -> tuple[dict[str, Interval], dict[str, Interval], float, tuple[Alarm, ...]]:
    workdir = run.workdir
    judged = (verdicts(workdir, when) for when in ("before", "after"))
    before, after = ({} if x is None else pass_at(x) for x in judged)
    rows = read_metrics(workdir / "metrics.jsonl")
    trained = sum(row.get("step_time") or 0.0 for row in rows)
    picture = workdir / "learning_curves.png"
    if trained:  # else it began at its end
        draw_training({run.config.reward: [Trained(rows)]}, picture)
    shares = {name: (before[name], after[name]) for name in before if name in after}
    files: dict[str, str | Path] = {
        "learning curves": picture,
        "metrics": workdir / "metrics.jsonl",
        "completions": workdir / "completions",
        "checkpoints": workdir / "checkpoints",
        "config": workdir / "config.json",
        "TensorBoard": f"tensorboard --logdir {workdir}/tensorboard",
    }
    alarms = tuple(alarms_of(rows))
    said = [x for x in alarms if x.name != "below_base"]  # which the shares say
    for alarm in said:
        console.say(f"alarm, {alarm.name}, since step {alarm.step}: {alarm.said}")
    console.result(shares, {**seconds, "training": trained}, files)
    return before, after, trained, alarms
