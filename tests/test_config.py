"""Every config that cannot or need not run is refused in one sentence."""

import dataclasses

import pytest

from rewardlab.core.sentence import reads
from rewardlab.methods import METHODS
from rewardlab.objectives import loss_tree, reads_whole
from rewardlab.runs.builders import loss_of, method_in, select_of, updates_of
from rewardlab.runs.config import default_config, use_reward
from rewardlab.runs.validate import validate

DROP = "drop_uniform('correct')"


def config(**changes):
    made = default_config()
    with made.unlocked():
        made.update_from_flattened_dict(changes)
    return made


def said(made):
    return str(loss_of(made))


REFUSED = {
    "unknown key": (
        {"rollout.num_generation": 4},
        "unknown config key 'rollout.num_generation'; did you mean 'rollout.num_gen",
    ),
    "unknown group": ({"zzz": 1}, "unknown config key 'zzz'; remove it"),
    "task": ({"task.name": "chess"}, "task.name='chess' is unknown; have arithmetic"),
    "model": (
        {"model.name": "XL"},
        "no model 'XL'; have M, S, smollm2-135m, or write .*, or a folder",
    ),
    "optimizer": ({"optim.name": "rmsprop"}, "have adamw, adam, sgd, lion"),
    "method": ({"reward": "grpoo"}, "no method 'grpoo'; did you mean 'grpo'"),
    "transform": ({"reward": "outcom('correct')"}, "did you mean 'outcome'"),
    "hyperparameter": ({"hp.tau": 0.1}, r"\['tau'\] are not used"),
    "G = 1": ({"rollout.num_generations": 1}, "nothing to compare with"),
    "devices": ({"rollout.num_prompts": 15}, "num_prompts=15 does not divide over 2"),
    "micro-batches": ({"optim.micro_batches": 3}, "does not divide the 8 prompts"),
    "nearly greedy": ({"eval.temperature": 1e-40}, "use 0, which is greedy, or at"),
    "judging": ({"eval.temperature": -0.1}, "eval.temperature=-0.1 must be at least 0"),
    "unrewarded": ({"train.max_unrewarded": 0}, "train.max_unrewarded=0 must be at"),
    "nothing": ({"train.max_steps": 0}, "train.max_steps=0 must be at least 1"),
    "no policy loss": ({"loss": "kl(0.1) | token_mean()"}, "must begin with a policy"),
    "no average": (
        {"loss": "clipped()"},
        "must end with its average, one of",
    ),
    "an average first": ({"loss": "clipped() | constant() | kl(0.1)"}, "must end with"),
    "two losses": (
        {"loss": "clipped() | gspo() | constant()"},
        "two policy losses",
    ),
    "dual clip": ({"loss": "clipped(dual_clip=0.9) | token_mean()"}, "must be above 1"),
    "epsilon": (
        {"loss": "clipped(-0.1) | token_mean()"},
        "epsilon=-0.1 must be at",
    ),
    "beta": (
        {"loss": "clipped() | kl('1') | token_mean()"},
        "beta='1' must be a",
    ),
    "estimator": (
        {"loss": "clipped() | kl(0.1, kind='k4') | token_mean()"},
        "no KL estimator 'k4'; have k1",
    ),
    "surrogate": (
        {"loss": "clip() | token_mean()"},
        "word of a loss 'clip', did you",
    ),
    "no loss": (
        {"loss": "ppo"},
        "'ppo' is not a word of a loss; a sentence",
    ),
    "option of another loss": (
        {"loss": "clipped(tau_pos=1.0) | token_mean()"},
        "unexpected keyword argument 'tau_pos'",
    ),
    "a number without a value": (
        {"loss": "clipped(width) | token_mean()"},
        "no value for the hyperparameter 'width'",
    ),
    "a row's number": ({"reward": "reinforce", "hp.epsilon": 0.2}, "are not used"),
    "updates": ({"updates": "often"}, "'often' is not a word of the updates"),
    "no epoch": ({"updates": "epochs(0)"}, "epochs: number=0 must be at least 1"),
    "rows by text": (
        {"select": "drop_uniform('correct', min_std='x')"},
        "drop_uniform: min_std='x' must be a finite number",
    ),
    "rows in depth": ({"select": "(" * 500 + "x" + ")" * 500}, "too many nested"),
    "rows": ({"select": "drop('correct')"}, "unknown selector 'drop'"),
    "names": ({"signals": "prm"}, "signals='prm' is not understood; write READ=MADE"),
    "a name twice": (
        {"signals": "prm=correct,prm=step_correct"},
        "names 'prm' twice; write it once",
    ),
    "greedy": ({"rollout.temperature": 0.0}, "nothing can be learned"),
    "top_p": ({"rollout.top_p": 1.5}, "above 0 and at most 1"),
    "learning rate": ({"optim.lr": 0.0}, "optim.lr=0 trains nothing"),
    "warm-up's micro-batches": (
        {"warmup.micro_batches": 3},
        "warmup.micro_batches=3 does not divide the 32 prompts",
    ),
    "bounds of a loss": (
        {"loss": "clip_cov(cov_low=6.0) | token_mean()"},
        "clip_cov: cov_low=6.0 is above cov_high=5.0",
    ),
    "decay": (
        {"optim.name": "sgd", "optim.weight_decay": 0.1},
        "weight_decay=0.1 does nothing for sgd",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_a_sentence(case):
    changes, message = REFUSED[case]
    with pytest.raises(ValueError, match=message) as error:
        validate(config(**changes), devices=2)
    assert "\n" not in str(error.value)


def test_hyperparameters_become_typed_flags():
    made = default_config()
    use_reward(made, "pure")
    assert made.hp.to_dict() == {"tau": 0.1, "alpha": 1.0}
    use_reward(made, "process('prm') | softmin_credit(temperature=tau)")
    with pytest.raises(ValueError, match="hp.tau has no value; pass --config.hp.tau"):
        validate(made, devices=2)
    made.hp.tau = 0.3
    validate(made, devices=2)
    with pytest.raises(TypeError):
        made.hp.tau = "much"


def test_the_defaults_are_accepted():
    validate(default_config(), devices=2)


@pytest.mark.parametrize("made", [None, {"reward": "grpo"}])
def test_what_is_no_config_is_one_sentence(made):
    with pytest.raises(ValueError, match="the config is a .*; change what default_con"):
        validate(made, devices=1)


def test_a_missing_key_is_named():
    made = default_config()
    with made.unlocked():
        del made.optim.lr
    with pytest.raises(ValueError, match="missing config key 'optim.lr'"):
        validate(made, devices=1)


OWN = dataclasses.replace(
    METHODS["grpo"],
    hp={"eps": 1e-6, "width": 0.1, "often": 2},
    select=DROP,
    loss="gspo(width) | token_mean()",
    updates="epochs(often)",
)


def test_a_method_of_ones_own_brings_its_sentences():
    """And each can be replaced alone, also by nothing."""

    def config(reward=f"{__name__}:OWN", **changes):
        made = default_config()
        use_reward(made, reward)
        made.update(changes)
        return made

    assert said(config()) == "gspo(0.1) | token_mean()"
    assert (select_of(config()), updates_of(config()).steps) == (DROP, 2)
    validate(config(), devices=2)
    usual = config(loss="clipped(0.3) | token_mean()")
    assert said(usual) == "clipped(0.3) | token_mean()" and select_of(usual) == DROP
    assert select_of(config(select="")) == ""
    assert updates_of(config(updates="epochs(3)")).steps == 3
    text = "outcome('correct') | broadcast_to_tokens()"
    alone = config(reward=text)
    assert said(alone) == "clipped(epsilon=0.2) | token_mean()"
    assert select_of(alone) == "" and updates_of(alone).steps == 1


def test_numbers_of_all_sentences_stand_in_one_place():
    """A row's own may stay although another sentence does not use it."""
    made = default_config()
    use_reward(made, "dapo")
    assert made.hp.epsilon == 0.2
    made.hp.epsilon = 0.3
    assert said(made).startswith("clipped(0.3, 0.28, ")
    validate(made, devices=2)
    made.loss = "gspo() | sequence_mean()"
    with pytest.raises(ValueError, match=r"\['epsilon'\] are not used by the reward"):
        validate(made, devices=2)
    made.hp.epsilon = 0.2
    validate(made, devices=2)
    with pytest.raises(TypeError):
        made.hp.epsilon = "wide"


def test_what_a_loss_reads():
    assert method_in(config()).reads == ("correct", "ref_logp")
    tree = loss_tree("clipped() | kl(0.1, ref='teacher') | token_mean()")
    assert reads(tree) == {"teacher"} and not reads(loss_tree("steer() | constant()"))
    assert not reads_whole(loss_of(config()))
    assert reads_whole(loss_tree("clipped() | entropy_bonus(0.1) | token_mean()"))
    assert reads_whole(loss_of(config(reward="steer")))
