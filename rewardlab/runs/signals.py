"""Which scorers a run asks: what is read, and who brings what."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from ml_collections import ConfigDict

from rewardlab.core.types import Rollout
from rewardlab.models import lm
from rewardlab.models.model import Model
from rewardlab.rollouts.values import VALUE_SIGNALS
from rewardlab.runs.aliases import names_of, reads_of_reward, reads_of_select
from rewardlab.runs.builders import (
    method_in,
    reads_of_loss,
    select_of,
    updates_of,
)
from rewardlab.runs.roles import Role
from rewardlab.scorers import USUAL
from rewardlab.scorers.given import alias, played, task_verifier
from rewardlab.scorers.makers import ABSENCES, EPISODES, SAMPLER, TREES, tasks_for
from rewardlab.scorers.plan import Nobody, Plan, Source, base_of, plan
from rewardlab.scorers.protocol import Models, Scorer, Setting
from rewardlab.scorers.sentence import brought_by, scorers_of, tree_of
from rewardlab.tasks import Task

Make = Callable[[dict[str, Any]], dict[str, Scorer]]
JUDGED = "the task's own"  # whose scorers a task's sentence names


def setting_of(
    config: ConfigDict, task: Task, model: lm.LMConfig, roles: Mapping[str, Role]
) -> Setting:
    """What the makers of scorers are told."""
    model, lora = dataclasses.replace(model, lora=None), model.lora
    rows = config.rollout.num_prompts * config.rollout.num_generations
    sizes = {"B": config.rollout.num_prompts, "N": rows, "W": model.width}
    sizes |= {"T": config.rollout.max_completion_length, "V": model.vocab_size}
    models = Models({name: Model(role.model) for name, role in roles.items()})
    models |= dict.fromkeys(("policy", "reference"), Model(model))
    at = config.rollout.temperature
    own = (at, lora, updates_of(config), task.score)
    return Setting(models, task.tokenizer, sizes, *own)


def sources_of(
    config: ConfigDict,
    task: Task,
    setting: Setting,
    numbers: dict[str, Any] | None = None,
) -> list[Source]:
    """Everything that could make signals, whoever comes first is asked first.

    Your own come before the method's, these before the task's, and what everybody uses
    stands in for what nobody brings.
    """
    named = names_of(config).items()
    found = [Source("your", alias(read, made)) for read, made in named]
    yours = len(tree_of(config.scorers).parts) if config.scorers.strip() else 0
    names: set[str] = set()
    own = scorers_of(scorers_text(config), setting, numbers)
    for place, scorer in enumerate(own):  # yours stands for the method's of its name
        if place < yours or scorer.name not in names:
            found.append(Source("your" if place < yours else "the method's", scorer))
        names.add(scorer.name)
    for scorer in scorers_of(task.scorers, setting, numbers):
        if scorer.name not in names:
            found.append(Source(JUDGED, scorer))
    if task.score is not None and task.signals:
        found.append(Source("the task's", task_verifier(task.score, task.signals)))
    found.append(Source("the run's", played(_of_sampler(config, task))))
    have = {name for _, scorer in found for name in scorer.provides}
    for name, text in USUAL.items():
        if name not in have:
            usual = scorers_of(text, setting, numbers)
            found += [Source("the usual", scorer) for scorer in usual]
            have |= {name for scorer in usual for name in scorer.provides}
    return found


def scorers_text(config: ConfigDict) -> str:
    """The sentence of the scorers: the config's own, then those of its method."""
    texts = (config.scorers, brought_by(method_in(config)))
    return " | ".join(text for text in texts if text.strip())


def maker_of(config: ConfigDict, task: Task, setting: Setting) -> Make:
    """The scorers by name, as a function of the numbers that are traced."""

    def make(hp: dict[str, Any]) -> dict[str, Scorer]:
        at = hp.get("rollout.temperature", setting.temperature)
        now = setting._replace(temperature=at)
        sources = sources_of(config, task, now, hp)
        return {scorer.name: scorer for _, scorer in sources}

    return make


def training_plan(config: ConfigDict, task: Task, sources: Sequence[Source]) -> Plan:
    """The plan of an iteration; `ValueError`, in one sentence, for what nobody makes.

    Whoever is brought by you or by the method is asked, and so is the task's verifier.
    """
    reads = {
        f"the reward {config.reward!r} reads": reads_of_reward(config),
        "the loss reads": reads_of_loss(config),
        "the report reads": reported_of(task, sources),
    }
    early = {f"select={select_of(config)!r} reads": reads_of_select(config)}
    try:
        found = plan(reads, sources, early)
    except Nobody as error:
        raise ValueError(_nobody_makes(config, error)) from None
    if task.score is None and any(scorer.verifies for scorer in found.scorers):
        name = next(scorer.name for scorer in found.scorers if scorer.verifies)
        raise ValueError(
            f"the scorer {name!r} judges completions of its own by the task, and "
            f"task.name={config.task.name!r} judges none on the device; use another"
        )
    plays = task.environment is not None or config.rollout.on_host
    for scorer in found.scorers if plays else ():
        if scorer.samples:
            raise ValueError(
                f"the scorer {scorer.name!r} samples completions of its own, and "
                f"task.name={config.task.name!r} plays episodes; use another task"
            )
    return found


def judging_plan(task: Task, sources: Sequence[Source]) -> Plan:
    """The plan for held-out problems: what is reported of them."""
    shapes = {n: x for _, s in sources for n, x in s.provides.items()}
    names = {n for n in reported_of(task, sources) if shapes[n] == "N"}
    kept = names | {n for n in task.signals if n in shapes}
    return plan({"the report reads": kept}, sources)


def reported_of(task: Task, sources: Sequence[Source]) -> set[str]:
    """What is told of completions: the task's signals, yours, and the method's."""
    brought = [s for whose, s in sources if whose in ("your", "the method's", JUDGED)]
    names = {name for s in brought for name in s.provides if name not in s.private}
    given = {
        name for _, s in sources if s.name in ("task", "sampler") for name in s.provides
    }
    return names | given.intersection(task.signals)


def blanks(make: Make, sizes: dict[str, int]) -> Make:
    """The same scorers, of which those on the host give arrays of 0 of their shapes."""

    def blank(scorer: Scorer) -> Scorer:
        if scorer.place != "host":
            return scorer
        return scorer._replace(place="batch", score=lambda s, c, r, b: zeros(scorer, r))

    def zeros(scorer: Scorer, rollout: Rollout) -> dict[str, Any]:
        n, t = rollout.tokens.shape
        letters = {**sizes, "N": n, "T": t}
        return {
            name: jnp.zeros(_shape(shape, letters), _kind(name))
            for name, shape in scorer.provides.items()
        }

    return lambda hp: {name: blank(s) for name, s in make(hp).items()}


def _shape(shape: str, sizes: dict[str, int]) -> tuple[int, ...]:
    """The sizes of the letters of a shape: "NT", or with a number, "N7"."""
    letters = shape.rstrip("0123456789")
    number = shape[len(letters) :]
    return (*(sizes[x] for x in letters), *([int(number)] if number else ()))


def _kind(name: str) -> Any:
    return jnp.float32 if name == base_of(name) else jnp.bool_


def _of_sampler(config: ConfigDict, task: Task) -> list[str]:
    """The signals that the sampler makes, some only if they are read."""
    rollout = config.rollout
    names = [*SAMPLER]
    names += ["greedy"] if "correct" in task.signals and not rollout.on_host else []
    if task.environment is None and not rollout.on_host:
        return [*names, "entropy", "hidden"]
    names += ABSENCES if task.agents and not rollout.on_host else ()
    trees = rollout.branching.roots or rollout.continuations
    values = TREES if trees else ()
    called = ["is_call"] if "call" in task.signals else []
    own = task.on_host.rewards + task.on_host.outcomes if task.on_host else ()
    called += ["grounding"] if "format" in (*task.signals, *own) else []
    return [*names, "entropy", *EPISODES, *values, *called, *task.signals, *own]


def _nobody_makes(config: ConfigDict, error: Nobody) -> str:
    name, aliases = error.name, names_of(config)
    said = str(error).replace(
        "nothing makes it:",
        f"nothing makes it in a run of task.name={config.task.name!r}:",
    )
    if name in aliases.values():
        said = said.replace(error.reader, f"signals={config.signals!r} names", 1)
    return (
        f"{said}; {_how(name)}give a text reward that name, or read another "
        f"with --config.signals={name}=NAME"
    )


def _how(name: str) -> str:
    """What else could make the signal."""
    if name in TREES or name in VALUE_SIGNALS:
        return "set rollout.branching.roots or rollout.continuations, "
    tasks = tasks_for([name])
    return f"use task.name={' or '.join(map(repr, tasks))}, " if tasks else ""
