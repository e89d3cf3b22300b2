"""Devices and compilers: options that JAX does not know never stop a run."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.learning import parallel


def test_an_option_is_known_or_it_is_not():
    assert parallel.accepts("xla_backend_optimization_level", 1)
    assert not parallel.accepts("xla_cpu_no_such_option", True)
    assert not parallel.accepts("xla_backend_optimization_level", "much")


@pytest.mark.parametrize("driver", parallel.DRIVERS.values())
def test_a_driver_leaves_out_what_jax_does_not_know(driver, monkeypatch):
    options = {"xla_cpu_no_such_option": False, **parallel.CPU_OPTIONS}
    monkeypatch.setattr(parallel, "CPU_OPTIONS", options)
    double = driver(jax.devices()[:1]).fuse(lambda x: 2 * x)
    np.testing.assert_array_equal(double(jnp.arange(3)), [0, 2, 4])


@pytest.mark.parametrize("name", parallel.PRECISIONS)
def test_products_are_as_precise_as_asked(name):
    """XLA calls them by other names: DEFAULT, HIGH, HIGHEST."""
    with parallel.matmul_precision(name):
        asked = str(jax.make_jaxpr(jnp.dot)(jnp.ones((2, 2)), jnp.ones((2, 2))))
    with parallel.matmul_precision(""):
        untold = str(jax.make_jaxpr(jnp.dot)(jnp.ones((2, 2)), jnp.ones((2, 2))))
    assert "precision=" not in untold and "precision=" in asked
