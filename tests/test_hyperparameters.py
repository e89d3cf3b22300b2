"""Other numbers are other arguments of the same program."""

import jax
import jax.numpy as jnp
import numpy as np
from test_train import REWARD, tiny

from rewardlab.models import lm
from rewardlab.runs.prepare import prepare

LOSS = "clipped(epsilon, high) | kl(beta) | entropy_bonus(1e-4) | sequence_mean()"
OTHERS = {
    "hp.beta": 0.5,
    "hp.epsilon": 1e3,
    "hp.high": 1e3,
    "loss.entropy_bonus.weight": 1.0,
    "reward.clip_reward.eta": 0.02,
    "optim.lr": 1e-3,
    "rollout.temperature": 0.5,
}


def test_another_number_compiles_nothing(tmp_path):
    """Each changes what is learned, and none is another program."""
    config = tiny(
        **{
            "reward": REWARD.replace("episode", "clip_reward(0.9) | episode"),
            "loss": LOSS,
            "updates": "epochs(2)",
            "hp": {"beta": 1e-4, "epsilon": 1e-6, "high": 1e-6},
            "optim.lr": 1e-2,
            "mesh.devices": 1,
        }
    )
    run = prepare(config, tmp_path)
    program, key = run.program, run.key
    assert set(OTHERS) <= set(program.hp)
    base = run.driver.replicate(lm.init(program.model, key))
    frozen = {"reference": jax.tree.map(lambda x: 1.1 * x, base)}
    batch = run.problems.take(np.arange(config.rollout.num_prompts)).on_device
    shapes = program.shapes(base, batch, program.hp)

    def moved(hp):
        state = program.init(base, shapes, key, hp)
        state = state._replace(params=jax.tree.map(jnp.copy, base))
        zero = jnp.zeros((), jnp.int32)
        state, *_ = program.iterate(state, frozen, batch, key, zero, hp)
        return np.concatenate([np.ravel(x) for x in jax.tree.leaves(state.params)])

    usual = moved(program.hp)
    for name, value in OTHERS.items():
        changed = moved({**program.hp, name: jnp.asarray(value, jnp.float32)})
        assert np.abs(changed - usual).max() > 1e-6, name
    assert program.iterate._cache_size() == 1
