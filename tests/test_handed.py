"""Objects that are handed to `train`: they work, and go on under names."""

import json
import sys
from types import ModuleType

import jax.numpy as jnp
import pytest
from small import TINY_FLAT

import rewardlab
from rewardlab import chain, per_channel, place, reads
from rewardlab.core.compose import stateless
from rewardlab.launch.configs import override
from rewardlab.methods.outside import words_at_hand
from rewardlab.runs.config import default_config, use_task
from rewardlab.runs.handed import handed
from rewardlab.runs.training import train
from rewardlab.tasks import TASKS
from rewardlab.transforms import TRANSFORMS

HERE = __name__
center, outcome = TRANSFORMS["center_by_group"], TRANSFORMS["outcome"]
spread = TRANSFORMS["broadcast_to_tokens"]


def halve(by=2.0):
    """r / by."""
    return per_channel(lambda reward, rollout: reward.with_value(reward.value / by))


def nothing():
    """r."""
    return stateless(lambda rewards, rollout: rewards)


WHOLE = chain(outcome("correct"), halve(), center(), spread())
TASK = TASKS["arithmetic"]._replace(completion_length=8)


@pytest.fixture
def words(monkeypatch):
    """A module of a user's own words."""
    module = ModuleType("shaping_of_mine")
    vars(module)["__name__"] = "shaping_of_mine"
    source = (
        "from rewardlab import per_channel\n"
        "def halve(by=2.0):\n"
        "    return per_channel(lambda r, _: r.with_value(r.value / by))\n"
    )
    exec(source, vars(module))
    monkeypatch.setitem(sys.modules, "shaping_of_mine", module)
    return module


def config_of(**changes):
    config = default_config()
    small = {"task.difficulty.train": 16, "task.difficulty.test": 8}
    small |= {"task.difficulty.validation": 0, "warmup.steps": 0, "mesh.devices": 1}
    small |= {"rollout.num_prompts": 2, "rollout.num_generations": 2}
    small |= {"warmup.batch_size": 2, "eval.num_problems": 4}
    small |= {"rollout.max_completion_length": 8, "train.max_steps": 1}
    config.update_from_flattened_dict({**small, **TINY_FLAT, **changes})
    return config


SENTENCE = "outcome('correct') | {} | center_by_group() | broadcast_to_tokens()"


def test_the_words_of_a_module_stand_in_sentences(words):
    for given in (words, [words], "shaping_of_mine", {"halve": words.halve}):
        with handed(
            config_of(), reward=SENTENCE.format("halve()"), words=given
        ) as config:
            assert "halve()" in rewardlab.resolve(config.reward).sentence
            assert config.words in (("shaping_of_mine",), ("shaping_of_mine:halve",))
    with pytest.raises(ValueError, match="unknown transform 'halve'"):
        rewardlab.resolve(SENTENCE.format("halve()"))


def test_what_a_run_says_of_words_is_enough_to_go_on(words, tmp_path):
    config = config_of(words=("shaping_of_mine",))
    train(config, tmp_path, reward=SENTENCE.format("halve(by=4)"))
    record = json.loads((tmp_path / "config.json").read_text())
    assert record["words"] == ["shaping_of_mine"]
    assert record["sentence"] == SENTENCE.format("halve(by=4)")
    config.train.max_steps = 2
    assert int(train(config, tmp_path, reward=record["reward"]).seconds) >= 0


def test_words_without_a_module_are_asked_for_again(tmp_path):
    """A run that had them says which it lacks."""
    words = {"double": lambda: halve(by=0.5)}
    config = config_of()
    train(config, tmp_path, reward=SENTENCE.format("double()"), words=words)
    record = json.loads((tmp_path / "config.json").read_text())
    assert record["words"] == ["given:double"]
    config.words, config.reward = tuple(record["words"]), record["reward"]
    with pytest.raises(ValueError, match="'given:double' was handed to rew"):
        train(config, tmp_path)


def test_an_object_is_its_sentence_where_that_says_it_all():
    whole = chain(outcome("correct"), center(leave_one_out=True), spread())
    with handed(config_of(), reward=whole) as config:
        assert config.reward == whole.sentence
    with handed(config_of(), reward=WHOLE) as config:  # `halve` has no name in it
        assert config.reward == f"{HERE}:WHOLE()"
        assert rewardlab.resolve(config.reward).parts == WHOLE.parts


def test_an_object_without_a_name_works_until_the_run_ends():
    local = chain(outcome("correct"), nothing(), spread())
    config = config_of()
    with handed(config, reward=local) as named:
        assert named.reward == "given:reward()"
        assert rewardlab.resolve(named.reward).parts == local.parts
    assert config.reward == "grpo"  # as it was
    with pytest.raises(ValueError, match="'given:reward' was handed to rew"):
        rewardlab.resolve("given:reward()")


def test_a_task_of_ones_own_is_named_where_it_can_be():
    with handed(config_of(), task=TASK) as config:
        assert config.task.name == f"{HERE}:TASK"
    other = TASK._replace(completion_length=9)
    with handed(default_config(other), task=other) as config:
        assert config.task.name == "given:task"
        assert config.rollout.max_completion_length == 9


def test_another_task_brings_what_is_its_own():
    config = default_config()
    use_task(config, "search")
    wanted = default_config("search")
    assert config.task.to_dict() == wanted.task.to_dict()
    assert config.rollout.max_completion_length == TASKS["search"].completion_length
    config = default_config()
    config.warmup.steps = config.rollout.max_completion_length = 7
    use_task(config, "data")
    assert config.warmup.steps == config.eval.num_problems == 0
    assert config.rollout.max_completion_length == 7
    config.hp.beta = 0.1  # names are free still
    with pytest.raises(AttributeError):
        config.task.other = 1


def test_flags_bring_words_and_tasks(words):
    config = config_of()
    sentence = SENTENCE.format("halve()")
    flags = [f"--config.reward={sentence}", "--config.words=shaping_of_mine"]
    override(config, [*flags, f"--config.task.name={HERE}:TASK"])
    assert config.reward == sentence and config.words == ("shaping_of_mine",)
    assert config.task.name == f"{HERE}:TASK"


def noted(name="note"):
    """A source whose signals no annotation tells of."""

    def update(rewards, rollout):
        value = rollout.signal(name) + rollout.signal("prm")[:, 0]
        wide = jnp.broadcast_to(value[:, None], rollout.mask.shape)
        return {**rewards, name: place(wide, rollout.mask)}

    return stateless(update)


def test_what_words_of_ones_own_read_is_seen():
    assert reads(chain(noted(), center())) == {"note", "prm"}
    assert reads(chain(outcome("correct"), halve(), center())) == {"correct"}
    assert reads(rewardlab.resolve(f"{HERE}:noted('x') | center_by_group()")) == {
        "prm",
        "x",
    }


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"words": "nowhere"}, "module of words 'nowhere' cannot be imported"),
        ({"words": {"delta": halve}}, "'delta' of yours has a name that is built in"),
        ({"task": "nowhere:x"}, "task 'nowhere:x' cannot be imported"),
        ({"task": 3}, "which is no Task"),
        ({"reward": 3}, "reward=3 is no RewardTransform, such as"),
    ],
)
def test_what_cannot_be_handed_over(given, says):
    with pytest.raises(ValueError) as error, handed(config_of(), **given):
        pass
    assert says in str(error.value) and "\n" not in str(error.value)


def test_built_in_words_stay_what_they_are(words):
    words.delta = lambda: None
    words.delta.__module__ = "shaping_of_mine"
    with pytest.raises(ValueError, match="'delta' of yours"):
        with words_at_hand(["shaping_of_mine"]):
            pass
