"""What a reward lacks is said before anything is compiled, warmed up or sampled."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import TINY

from rewardlab.data.batch import Batch, batch_of
from rewardlab.learning.parallel import DRIVERS
from rewardlab.runs.config import default_config, use_reward
from rewardlab.runs.handed import handed
from rewardlab.runs.prepare import prepare
from rewardlab.runs.program import build_program
from rewardlab.runs.training import train
from rewardlab.runs.validate.rehearsal import rehearse
from rewardlab.scorers.protocol import Scorer
from rewardlab.scorers.text_rewards import TextReward
from rewardlab.tasks import TASKS, task_named

SPREAD = "{} | center_by_group() | broadcast_to_tokens()"


def small(reward, task="arithmetic", **changes):
    config = default_config(task)
    sizes = {"train": 64, "validation": 16, "test": 16}
    config.task.difficulty.update(sizes)
    config.warmup.batch_size = 16
    config.rollout.update({"num_prompts": 4, "num_generations": 4})
    config.eval.num_problems = 8
    config.model.update(TINY)
    config.mesh.devices = 1
    use_reward(config, reward)
    config.update_from_flattened_dict(changes)
    return config


def program_of(config):
    task = task_named(config.task.name)
    driver = DRIVERS["jit"](jax.devices()[:1])
    return build_program(config, task, driver)


@functools.cache
def shapes(task):
    """Of a rollout of the task: it takes seconds to trace, and is the same for all."""
    config = small("outcome('correct')", task)
    columns = TASKS[task].load("train", CACHE, **config.task.difficulty)
    first = batch_of({name: x[:4] for name, x in columns.items()})
    return rehearse(program_of(config), first)


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    global CACHE
    CACHE = tmp_path_factory.mktemp("data")


def refusal(reward, task="arithmetic", **changes):
    config = small(reward, task, **changes)
    rollout = shapes(task)
    with pytest.raises(ValueError) as error:
        program = program_of(config)._replace(shapes=lambda *_: rollout)
        rehearse(program, Batch({}, {}))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_signal_that_nothing_makes_is_named_with_those_there_are():
    said = refusal(SPREAD.format("outcome('corect')"))
    assert "reads the signal 'corect', and nothing makes it in a run of" in said
    assert "did you mean 'correct'? There are " in said
    assert "give a text reward that name" in said
    assert "--config.signals=corect=NAME" in said and "_valid" not in said


def test_who_could_make_it_is_said():
    assert "use task.name='search' or" in refusal(SPREAD.format("outcome('calls')"))
    assert "set rollout.branching.roots" in refusal("process('success') | gae('x')")


def test_what_the_selection_reads_is_looked_at_too():
    said = refusal(SPREAD.format("outcome('correct')"), select="drop_uniform('corect')")
    assert said.startswith(
        "select=\"drop_uniform('corect')\" reads the signal 'corect'"
    )
    assert "and nothing makes it" in said


WRONG = {
    "outcome('correct') | process('prm') | center_by_group()": "put weighted_sum(...)",
    "outcome('correct') | process('prm')": "has ['correct', 'prm']; put weighted_sum",
    "outcome('correct') | weighted_sum(prm=1)": "no channel 'prm'; have ['correct']",
    "outcome('prm') | returns_to_go()": "outcome('prm') needs one value a row",
    "process('correct') | returns_to_go()": "write outcome('correct')",
    "center_by_group()": "begin the sentence with a source",
    "outcome('correct') | outcome('correct')": "is there already",
}


@pytest.mark.parametrize("reward", WRONG)
def test_sentences_that_do_not_come_out_are_refused(reward):
    assert WRONG[reward] in refusal(reward)


def test_a_run_is_refused_at_second_0(tmp_path, monkeypatch):
    """Before warm-up, and before anything is written."""
    monkeypatch.setattr("rewardlab.runs.base.base_policy", None)
    config = small(SPREAD.format("outcome('corect')"))
    with pytest.raises(ValueError, match="the signal 'corect', and nothing makes it"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run" / "base").exists()
    config = small("process('prm') | returns_to_go()", signals="prm=nosuch")
    with pytest.raises(ValueError, match="signals='prm=nosuch' names the signal 'nos"):
        prepare(config, tmp_path)


def test_text_rewards_make_signals(tmp_path):
    """Nobody is asked for shapes."""

    def never(**_):
        raise AssertionError

    config = small(SPREAD.format("outcome('mine')"))
    with handed(config, scorers=TextReward("mine", never)) as named:
        run = prepare(named, tmp_path)
    assert run.rollout.signals["mine"].shape == (16,)
    assert run.rollout.tokens.dtype == np.int32


def _untold(*args, **kwargs):
    columns = TASKS["search"].load(*args, **kwargs)
    return {k: v for k, v in columns.items() if not k.startswith("truth")}


UNTOLD = TASKS["search"]._replace(load=_untold)


def test_a_belief_needs_the_true_answers_tokens(tmp_path):
    """`igpo` on an environment of one's own whose problems do not have them."""
    with pytest.raises(ValueError, match="no column 'truth', from which the belief"):
        prepare(small("igpo", f"{__name__}:UNTOLD"), tmp_path)
    with pytest.raises(ValueError, match="'belief', and nothing .* task.name='search'"):
        prepare(small("igpo"), tmp_path)


def reads_reference(*roles: str):
    def score(state, context, rollout, batch):
        total = sum(map(jnp.sum, jax.tree.leaves(context.params["reference"])))
        return {"mass": jnp.full(len(rollout.tokens), total)}

    return lambda _: Scorer("mass", {"mass": "N"}, (), "batch", score, roles=roles)


def says_so():
    """`mass` [N]: the sum of the reference's numbers."""
    return reads_reference("reference")


def says_nothing():
    """The same, by a scorer that does not name whose parameters it reads."""
    return reads_reference()


def test_the_reference_is_there_for_whom_it_is_kept(tmp_path):
    """Without anybody who reads its numbers there is none in memory."""
    reward = SPREAD.format("outcome('mass')")
    run = prepare(small(reward, scorers=f"{__name__}:says_so()"), tmp_path)
    assert run.program.frozen.refers and run.rollout.signals["mass"].shape == (16,)
    with pytest.raises(ValueError, match="'mass' reads the parameters of 'reference'"):
        prepare(small(reward, scorers=f"{__name__}:says_nothing()"), tmp_path)
    assert program_of(small("grpo")).frozen.refers  # its loss has a kl
    assert not program_of(small("grpo", loss="clipped() | token_mean()")).frozen.refers
