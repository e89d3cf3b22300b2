"""Models beside the policy: what a scorer's own begins with, and how it is read."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_scorers_words import SETTING, SMALL, context_of, rollout_of

from rewardlab.models import lm
from rewardlab.models.config import LoRA
from rewardlab.scorers.beside import own_model


def same(one, other):
    return all(
        jax.tree.leaves(jax.tree.map(lambda x, y: bool(jnp.all(x == y)), one, other))
    )


@pytest.mark.parametrize("start", ["policy", "reference"])
def test_an_own_model_begins_as_what_it_is_a_copy_of(start):
    context, own = context_of(), own_model(SETTING, start)
    state = own.init(context, rollout_of())
    assert same(state, context.params[start])
    assert own.roles == (() if start == "policy" else (start,))
    assert state["embedding"] is not context.params[start]["embedding"]
    assert own.whole(state, context) is state


def test_a_fresh_one_has_its_own_noise():
    own, made = own_model(SETTING, "fresh"), []
    made = [own.init(context_of(key), rollout_of()) for key in (0, 1, 1)]
    assert same(made[1], made[2]) and not same(made[0], made[1]) and own.roles == ()
    assert made[0].keys() == lm.init(SMALL, jax.random.key(0)).keys()


def test_where_the_policy_trains_adapters_so_does_an_own_model():
    """At first they change nothing; what is trained is small and the base is not."""
    context, rollout = context_of(), rollout_of()
    own = own_model(SETTING._replace(lora=LoRA(2, 4.0)))
    state = own.init(context, rollout)
    assert own.roles == ("reference",) and "embedding" not in state

    def total(state):
        return jnp.sum(own.model.log_probs(own.whole(state, context), rollout).logp)

    plain = SETTING.models["reference"].log_probs(context.params["reference"], rollout)
    np.testing.assert_allclose(total(state), jnp.sum(plain.logp), rtol=1e-6)
    grads = jax.grad(total)(state)
    assert jax.tree.structure(grads) == jax.tree.structure(state)
    assert max(float(jnp.abs(g).max()) for g in jax.tree.leaves(grads)) > 0
