"""A method at work: its words, their equations, and one small rollout in colour."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from rewardlab.core.compose import estimator
from rewardlab.core.schedules import SCHEDULES
from rewardlab.core.signals import SIGNALS, made
from rewardlab.core.tree import Tree
from rewardlab.core.types import RewardTransform, Rollout
from rewardlab.methods import Method, method_of, reads, resolve
from rewardlab.methods.sentence import shaped_reward
from rewardlab.show.catalogue import VERIFIED, laws_of, loss_text
from rewardlab.show.who_makes import who_makes

ROWS, SHOWN, TOKENS, STEPS, PER_STEP = 8, 4, 11, 4, 3
PROMPTS = ROWS // SHOWN


def explain(name: str, hp: Mapping[str, Any], out: Console, task: str = "") -> None:
    """Prints what a method or a sentence is, who makes what it reads in a run, and what
    it does to a small rollout."""
    transform = resolve(name, **hp)
    shown = at_work(transform)  # what it cannot show it says before anything else
    method = method_of(name)
    if method.reward != name:
        out.print(Group(*_about(name, method)))
    out.print(words(transform))
    out.print(who_makes(name, hp, task))
    out.print(shown)


def words(transform: RewardTransform) -> RenderableType:
    """The sentence, a word a line, each with its equation."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for i, part in enumerate(transform.parts or (transform,)):
        lead = "  " if i == 0 else "| "
        for word in part.tree.words if part.tree else ():
            if word is part.tree:
                table.add_row(Text(f"{lead}{word}", "bold"), _equation(word))
            elif word.word not in SCHEDULES:
                table.add_row(Text(f"      {word}", "dim"), _equation(word))
    return table


def example(transform: RewardTransform) -> Rollout:
    """Two prompts, four completions each, with made-up signals; always the same.

    Rows are cut short and into four steps; a token of the environment ends the first.
    Raises `ValueError` for a signal that nobody has described in `SIGNALS`.
    """
    unknown = sorted(reads(transform) - set(SIGNALS))
    if unknown:
        raise ValueError(
            f"no example of the signals {unknown}; write the sentence with signals of "
            "rewardlab.core.signals.SIGNALS to see it at work"
        )
    rng = np.random.default_rng(0)
    length = np.array([11, 9, 10, 7] * PROMPTS)
    valid = np.arange(TOKENS) < length[:, None]
    step = np.where(valid, np.minimum(np.arange(TOKENS) // PER_STEP, STEPS - 1), -1)
    mask = valid & (np.arange(TOKENS) != PER_STEP - 1)
    signals = made(rng, ROWS, TOKENS, STEPS)
    signals |= {k: np.ones(ROWS, bool) for k in signals if k.endswith("_valid")}
    return Rollout(
        prompts=jnp.zeros((PROMPTS, 2), jnp.int32),
        prompt_mask=jnp.ones((PROMPTS, 2), bool),
        group=jnp.arange(ROWS, dtype=jnp.int32) // SHOWN,
        tokens=jnp.zeros((ROWS, TOKENS), jnp.int32),
        mask=jnp.asarray(mask),
        valid=jnp.asarray(valid),
        step=jnp.asarray(step, jnp.int32),
        logp=jnp.asarray(-rng.exponential(size=(ROWS, TOKENS)), jnp.float32),
        signals={k: jnp.asarray(v) for k, v in signals.items()},
        iteration=jnp.zeros((), jnp.int32),
    )


def at_work(transform: RewardTransform) -> RenderableType:
    """Per token, the reward that is trained on and the advantage that it becomes."""
    rollout, closed = example(transform), estimator(transform)
    state = closed.init(rollout)
    advantage = np.asarray(jax.jit(closed.update)({}, state, rollout)[0])
    reward = shaped_reward(transform)(state, rollout)
    rewards = np.where(reward.placed, reward.value, np.nan)
    peaks = [np.nanmax(np.abs(x), initial=1e-9) for x in (rewards, advantage)]
    lines = [
        Text("\nFour completions of one prompt, by token; signals are made up"),
        Text("and · is the environment's.\n"),
        _line("step", [Text(_step(t)) for t in range(TOKENS)]),
    ]
    for i in range(SHOWN):
        lines.append(Text(f"{i + 1}  {_facts(transform, rollout, i)}", "dim"))
        lines.append(_line("reward", _cells(rewards[i], rollout, i, peaks[0])))
        lines.append(_line("advantage", _cells(advantage[i], rollout, i, peaks[1])))
    return Group(*lines)


def _line(label: str, cells: Iterable[Text]) -> Text:
    line = Text(f"{label:10}", no_wrap=True)
    for cell in cells:
        cell.align("right", 5)
        line.append(cell).append(" ")
    return line


def _step(t: int) -> str:
    return str(t // PER_STEP + 1) if t % PER_STEP == 0 else ""


def _about(name: str, method: Method) -> Iterator[RenderableType]:
    link = f"  https://arxiv.org/abs/{method.arxiv}" if method.arxiv else ""
    yield Text.assemble((name, "bold cyan"), f"  {method.title}{link}")
    said = {
        "believes": method.believes,
        "loss": loss_text(method),
        "learns": f"from {method.said('select')}" if method.select else "",
        "updates": method.said("updates"),
        "scorers": method.scorers,
        "laws": laws_of(method) or "none beyond those of all rows",
        "checked": f"against {VERIFIED[method.verified]}",
        "differs": method.differs,
    }
    for label, text in said.items():
        if text:
            yield Text.assemble((f"{label:9}", "dim"), text)
    yield Text()


def _equation(word: Tree) -> Text:
    doc = inspect.getdoc(word.make) or ""
    return Text(doc.split("\n\n")[0].replace("\n", " "))


def _cells(
    x: Float[np.ndarray, " T"], rollout: Rollout, i: int, peak: float
) -> Iterator[Text]:
    mask, valid = np.asarray(rollout.mask[i]), np.asarray(rollout.valid[i])
    for t in range(TOKENS):
        if not valid[t]:
            yield Text("")
        elif not mask[t]:
            yield Text("·", "dim")
        elif np.isnan(x[t]):
            yield Text("")
        else:
            yield Text(
                f"{x[t] + 0.0:.2f}".replace("-0.00", "0.00"), _colour(x[t] / peak)
            )


def _colour(share: float) -> str:
    """Green above 0, red below, paler towards 0; readable on light and dark."""
    if abs(share) < 1e-6:
        return ""
    strength = min(abs(share), 1.0)
    full = (120, 205, 125) if share > 0 else (240, 130, 125)
    shade = [int(245 - strength * (245 - c)) for c in full]
    return "#000000 on rgb({},{},{})".format(*shade)


def _facts(transform: RewardTransform, rollout: Rollout, i: int) -> str:
    found = []
    for name in sorted(reads(transform)):
        x = np.asarray(rollout.signals[name][i], float)
        if x.shape != (TOKENS,):
            found.append(f"{name} {' '.join(f'{v:.2g}' for v in x.ravel()[:4])}")
    return "  ".join(found)
