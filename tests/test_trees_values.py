"""Values of turns by fresh episodes, against episodes that are written out anew."""

import jax
import jax.numpy as jnp
import numpy as np
from test_episodes import (
    CONFIG,
    END,
    FAIL,
    KEY,
    OPTIONS,
    PARAMS,
    TURNS,
    WIDTH,
    facts,
)
from test_trees import B, G, K, T, trees

from rewardlab.models import lm
from rewardlab.rollouts.drawing import row_keys, row_noise
from rewardlab.rollouts.values import _VALUES


def test_values_of_turns_are_means_of_fresh_episodes():
    """The last turn of each row, taken K times more by a model that reads it anew."""
    unsure = jax.tree.map(np.asarray, trees(PARAMS, facts(), 3))
    key = jax.random.fold_in(jax.random.fold_in(KEY, _VALUES), TURNS - 1)
    noise = row_noise(row_keys(key, 3, facts()["id"], G * K), T, CONFIG.vocab_size)
    tokens = np.repeat(unsure.tokens, K, axis=0)
    before = np.repeat(unsure.valid & (unsure.step < TURNS - 1), K, axis=0).sum(axis=1)
    own = np.repeat(unsure.mask & (unsure.step < TURNS - 1), K, axis=0).sum(axis=1)
    rows = np.arange(len(tokens))

    @jax.jit
    def draw(tokens, at):
        case = (
            unsure.prompts,
            unsure.prompt_mask,
            tokens,
            jnp.ones(tokens.shape, bool),
        )
        states = lm.states(CONFIG, PARAMS, *case)[rows, at]
        logits = states @ lm.head(CONFIG, PARAMS)
        return jnp.argmax(logits / OPTIONS.temperature + noise(at), axis=-1)

    for i in range(WIDTH):
        at = np.minimum(before + i, T - 1)
        tokens[rows, at] = draw(tokens, at)
    begun = (unsure.step == TURNS - 1).any(axis=1)
    seen = set()
    for n in np.flatnonzero(begun):
        outcomes = []
        for m in range(n * K, n * K + K):
            action = tokens[m, before[m] : before[m] + WIDTH].tolist()
            length = action.index(END) + 1 if END in action else len(action)
            whole = END in action or length == WIDTH
            if not whole or action[0] != FAIL:
                outcomes.append((own[m] + whole * length) % 2)
        want = np.mean(outcomes) if outcomes else unsure.signals["correct"][n]
        assert unsure.signals["step_value"][n, TURNS - 1] == want
        seen.add(want)
    assert seen == {0.0, 0.5, 1.0} and begun.sum() < B * G
    success, correct = unsure.signals["success"], unsure.signals["correct"]
    np.testing.assert_array_equal(success[:, -1], correct)
    np.testing.assert_array_equal(success[~begun, -2], correct[~begun])
