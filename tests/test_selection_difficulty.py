"""Weights of prompts by how hard they are."""

import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.selection.difficulty import box_weights

pytestmark = pytest.mark.usefixtures("x64")


def test_small_boxes_weigh_most():
    """1 / area = 10, 5, 2: 0.5 + (x - 2) / 8; all equal: 0.5."""
    got = box_weights(jnp.asarray([0.1, 0.2, 0.5]))
    np.testing.assert_allclose(got, [1.5, 0.875, 0.5], rtol=1e-12)
    assert box_weights(jnp.full(3, 0.7)).tolist() == [0.5, 0.5, 0.5]
    assert box_weights(jnp.zeros(0)).shape == (0,)
