"""What a run computes: a config becomes compiled functions on devices.

    sample (each device) -> score and estimate (the whole) -> step (each device)

An iteration is one compiled program where the driver can fuse it and no signal needs
the host.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array
from ml_collections import ConfigDict

from rewardlab.core.compose import estimator
from rewardlab.core.literals import arrays, literals
from rewardlab.core.stages import words
from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.learning.learner import (
    Learner,
    LearnerState,
    Numbers,
    Params,
    Parts,
    Policy,
    Report,
    learner,
)
from rewardlab.learning.parallel import Driver
from rewardlab.learning.scoring import Make, outline, scoring
from rewardlab.learning.trainable import Trainable, trainable
from rewardlab.learning.warmup import Warmup
from rewardlab.methods.sentence import shaped_reward
from rewardlab.models import lm
from rewardlab.runs import metrics
from rewardlab.runs.builders import (
    build_objective,
    build_optimizer,
    loss_of,
    reward_of,
    select_of,
    sentence_of,
    transform_of,
    updates_of,
)
from rewardlab.runs.dynamic import by_stage, refilled_by
from rewardlab.runs.elsewhere import elsewhere
from rewardlab.runs.gathering import in_stages, once
from rewardlab.runs.generate import (
    generator,
    judging_of,
    judging_temperature,
    sampling_of,
)
from rewardlab.runs.greedy import drawing
from rewardlab.runs.iteration import (
    Frozen,
    evaluation_of,
    init_of,
    iteration_of,
    shapes_of,
)
from rewardlab.runs.model import model_of
from rewardlab.runs.policy import policy_of, warmup_of
from rewardlab.runs.roles import needed, roles_of
from rewardlab.runs.signals import (
    blanks,
    judging_plan,
    maker_of,
    scorers_text,
    setting_of,
    sources_of,
    training_plan,
)
from rewardlab.runs.switches import judging_switches, switches_of
from rewardlab.runs.worth import (
    Sentence,
    Stages,
    expected_with,
    measure_with,
    stages_with,
)
from rewardlab.scorers.plan import Plan
from rewardlab.scorers.sentence import words_of
from rewardlab.selection import rounds_of, select_rows
from rewardlab.tasks import Task

NOBODY = Batch({"id": np.zeros(0, np.int32)}, {})


class Program(NamedTuple):
    """The compiled functions of a run.

    A `Batch` holds `prompts`, `prompt_mask`, `id` and what the task scores by; where
    all is `fused`, without its facts. `iterate` and `evaluate` read the `frozen`
    parameters, by role, and `hp` are the numbers that are arguments of what is
    compiled.
    """

    model: lm.LMConfig  # without adapters
    trained: Trainable
    policy: Policy  # with all of its weights
    warmup: Callable[[int], Warmup]  # of so many steps, which trains all of them
    learner: Learner
    plan: Plan
    shapes: Callable[[Params, Batch, Numbers], Rollout]  # of a rollout in training
    init: Callable[..., LearnerState]  # of the base, a rollout, the key, `hp`, models
    iterate: Callable[..., tuple[LearnerState, Report, Rollout]]
    evaluate: Callable[[LearnerState, dict, Batch, Array, Numbers], Rollout]
    measure: Callable[..., metrics.Metrics]  # see `runs.worth`, as are `stages`
    stages: Callable[[Any, Rollout, Numbers], Stages]
    words: tuple[str, ...]  # of the reward's sentence, one for each stage
    fused: bool  # an iteration asks nothing of the host
    judged: bool  # likewise the judging of held-out problems
    frozen: Frozen  # what is read beside what learns
    rounds: int  # an iteration is given so many times `rollout.num_prompts` problems
    hp: Numbers


def build_program(
    config: ConfigDict, task: Task, driver: Driver, problems: Batch = NOBODY
) -> Program:
    """Builds every function; nothing is compiled before it is called.

    `problems` are those to train on: of each there may be a store.

    Where a scorer or an environment is asked on the host, an iteration is several
    programs; else it is one, where the driver can fuse. `shapes` asks nobody.
    """
    adapted = model_of(config, task)
    trained, model = trainable(adapted), dataclasses.replace(adapted, lora=None)
    (asked, reported), make, sizes, frozen = _scorers_of(config, task, adapted)
    select, micro = select_rows(select_of(config)), config.optim.micro_batches
    score, judge = scoring(asked, make, driver, micro), scoring(reported, make, driver)
    hp, sentence = numbers_of(config), sentence_of(config)
    parts = _parts(config, adapted, sentence, driver.devices)
    learn = learner(parts, driver, updates_of(config), micro, select, on_policy=True)
    options, judging = sampling_of(config, task), judging_of(config, task)
    case, switches = (config, task, driver, model), switches_of(config, asked)
    draw, drawn = (drawing(case, options, switches, asked, x) for x in (True, False))
    fused = not (config.rollout.on_host or asked.on_host)
    others = elsewhere(config, asked, problems.arrays, driver)
    again, gather = refilled_by(config, fused and driver.fuses), once(draw, score)
    if again or others:
        gather = in_stages(draw, *by_stage(asked, make, driver), again, others)
    expected = expected_with(sentence)
    iterate = iteration_of(gather, score, learn, trained, expected, others)
    more = judging_switches(config, reported)
    evaluate = evaluation_of(generator(*case, judging, 1, more), judge, trained)
    judged = not (config.rollout.on_host or reported.on_host)
    return Program(
        model,
        trained,
        policy_of(config, model, hp),
        warmup_of(config, model, driver),
        learn,
        asked,
        shapes_of(drawn, outline(asked, blanks(make, sizes)), frozen),
        init_of(learn, score, driver, trained, frozen, others),
        driver.fuse(iterate, donate=(0,)) if fused else iterate,
        driver.fuse(evaluate) if judged else evaluate,
        measure_with(task, sentence),
        stages_with(sentence, select),
        words(transform_of(config)),
        fused,
        judged,
        frozen,
        rounds_of(select_of(config)),
        hp,
    )


def _scorers_of(
    config: ConfigDict, task: Task, adapted: lm.LMConfig
) -> tuple[tuple[Plan, Plan], Make, dict[str, int], Frozen]:
    """The plans of training and judging, their scorers, sizes, and what these read."""
    roles = roles_of(config, task, dataclasses.replace(adapted, lora=None))
    setting = setting_of(config, task, adapted, roles)
    sources = sources_of(config, task, setting)
    plans = training_plan(config, task, sources), judging_plan(task, sources)
    named = plans[0].roles | plans[1].roles
    refers = adapted.lora is not None or "reference" in named
    frozen = Frozen(refers, needed(roles, named, config, task))
    return plans, maker_of(config, task, setting), setting.sizes, frozen


def numbers_of(config: ConfigDict) -> Numbers:
    """The numbers that are arguments of what is compiled."""
    tree = words_of(scorers_text(config))
    own = literals(tree, "scorers") if tree else {}
    own |= literals(reward_of(config), "reward") | literals(loss_of(config), "loss")
    own["rollout.temperature"] = config.rollout.temperature
    if at := judging_temperature(config):
        own["eval.temperature"] = at
    return arrays({"optim.lr": config.optim.lr, **own})


def _parts(
    config: ConfigDict, model: lm.LMConfig, sentence: Sentence, devices: int
) -> Callable[[Numbers], Parts]:
    """What learns, as a function of the numbers that are traced."""

    def parts(hp: Numbers) -> Parts:
        return Parts(
            policy_of(config, model, hp),
            estimator(sentence(hp)),
            shaped_reward(sentence(hp)),
            build_objective(config, hp),
            build_optimizer(config, hp["optim.lr"], devices),
        )

    return parts
