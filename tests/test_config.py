"""Every config that cannot or need not run is refused in one sentence."""

import dataclasses

import pytest

from rewardlab.methods import METHODS
from rewardlab.objectives import SURROGATES
from rewardlab.runs.builders import loss_of, reads_entropy, select_of, surrogate_options
from rewardlab.runs.config import default_config, use_reward
from rewardlab.runs.validate import validate

DROP = "drop_uniform('correct')"


def config(**changes):
    made = default_config()
    with made.unlocked():
        made.update_from_flattened_dict(changes)
    return made


REFUSED = {
    "unknown key": (
        {"rollout.num_generation": 4},
        "unknown config key 'rollout.num_generation'; did you mean 'rollout.num_gen",
    ),
    "unknown group": ({"zzz": 1}, "unknown config key 'zzz'; remove it"),
    "task": ({"task.name": "chess"}, "task.name='chess' is unknown; have arithmetic"),
    "model": ({"model.name": "XL"}, "model.name='XL' is unknown; have S, M"),
    "optimizer": ({"optim.name": "rmsprop"}, "have adamw, adam, sgd, lion"),
    "method": ({"reward": "grpoo"}, "no method 'grpoo'; did you mean 'grpo'"),
    "transform": ({"reward": "outcom('correct')"}, "did you mean 'outcome'"),
    "hyperparameter": ({"hp.tau": 0.1}, r"\['tau'\] are not used"),
    "G = 1": ({"rollout.num_generations": 1}, "nothing to compare with"),
    "devices": ({"rollout.num_prompts": 15}, "num_prompts=15 does not divide over 2"),
    "micro-batches": ({"loss.micro_batches": 3}, "does not divide the 8 prompts"),
    "nearly greedy": ({"eval.temperature": 1e-40}, "use 0, which is greedy, or at"),
    "judging": ({"eval.temperature": -0.1}, "eval.temperature=-0.1 must be at least 0"),
    "unrewarded": ({"train.max_unrewarded": 0}, "train.max_unrewarded=0 must be at"),
    "nothing": ({"train.max_steps": 0}, "train.max_steps=0 must be at least 1"),
    "kl without beta": (
        {"loss.beta": 0.0, "loss.kl": "k1"},
        "'k1' does nothing while loss.beta=0",
    ),
    "dual clip": ({"loss.dual_clip": 0.9}, "must be above 1"),
    "surrogate": ({"loss.surrogate": "ppo"}, "loss.surrogate='ppo' is unknown; have"),
    "option of another loss": (
        {"loss.tau_pos": 1.0},
        "loss.tau_pos=1.0 is not an option of loss.surrogate='clipped', which has eps",
    ),
    "option of a method's loss": (
        {"reward": "reinforce", "loss.epsilon": 0.2},
        "loss.epsilon=0.2 is not an option of loss.surrogate='reinforce', which has no",
    ),
    "bias without beta": (
        {"loss.beta": 0.0, "loss.kl_correct_bias": True},
        "loss.kl_correct_bias=True does nothing while loss.beta=0",
    ),
    "rows by text": (
        {"select": "drop_uniform('correct', min_std='x')"},
        "drop_uniform: min_std='x' must be a finite number",
    ),
    "rows in depth": ({"select": "(" * 500 + "x" + ")" * 500}, "does not say which"),
    "rows": ({"select": "drop('correct')"}, "does not say which rows to learn from"),
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
        {"loss.surrogate": "clip_cov", "loss.cov_low": 6.0},
        "loss.cov_low=6.0 is above loss.cov_high=5.0",
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
        del made.loss.beta
    with pytest.raises(ValueError, match="missing config key 'loss.beta'"):
        validate(made, devices=1)


def test_every_option_of_a_loss_is_a_key_and_only_those():
    keys = {k for k, v in default_config().loss.items() if v is None}
    keys -= {"beta", "kl_correct_bias", "entropy"}
    assert keys == {k for name in SURROGATES for k in surrogate_options(name)}


def test_a_method_brings_its_loss_and_its_options():
    """What the config says comes first, and the options of a loss stay with it."""
    made = config(reward="dapo")
    loss = loss_of(made)
    assert (loss.surrogate, loss.aggregation) == ("clipped", "token_mean")
    assert loss.options == {"epsilon": 0.2, "epsilon_high": 0.28, "dual_clip": 10.0}
    made.loss.epsilon_high = 0.4
    assert loss_of(made).options == loss.options | {"epsilon_high": 0.4}
    made.loss.update({"surrogate": "gspo", "epsilon": 0.1})
    assert loss_of(made).options == {"epsilon": 0.1, "epsilon_high": 0.4}
    assert loss_of(config()).options == {}
    validate(made, devices=2)
    with pytest.raises(TypeError):
        made.loss.epsilon = "wide"


def test_a_method_brings_its_kl_and_its_rows(monkeypatch):
    """And each can be replaced alone, also by nothing."""
    row = dataclasses.replace(METHODS["grpo"], beta=0.04, kl="k2", select=DROP)
    monkeypatch.setitem(METHODS, "grpo", row)
    loss = loss_of(config())
    assert (loss.beta, loss.kl, loss.kl_correct_bias, loss.entropy) == (
        0.04,
        "k2",
        False,
        0.0,
    )
    assert select_of(config()) == DROP
    assert loss_of(config(**{"loss.beta": 0.0})).beta == 0
    assert loss_of(config(**{"loss.kl": "k1"})).kl == "k1"
    assert select_of(config(select="")) == ""
    text = "outcome('correct') | broadcast_to_tokens()"
    assert loss_of(config(reward=text)).beta == 0 and not select_of(config(reward=text))


def test_entropies_are_computed_where_they_are_read():
    assert not reads_entropy(config())
    assert reads_entropy(config(**{"loss.entropy": 0.1}))
    assert reads_entropy(config(reward="steer"))
