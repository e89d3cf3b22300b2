"""config.json says what ran."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from rewardlab.methods import METHODS
from rewardlab.objectives import spelled
from rewardlab.runs import checkpoint
from rewardlab.runs.config import default_config, use_reward
from rewardlab.runs.record import changes, resolved, write_config, write_devices
from rewardlab.system.commit import commit


@pytest.mark.parametrize("name", METHODS)
def test_a_method_by_name_is_written_with_its_own_numbers(name: str) -> None:
    method, config = METHODS[name], default_config()
    config.reward = name
    record = resolved(config)
    assert record["reward"] == name and record["sentence"] == method.reward
    assert record["hp"] == dict(method.hp)
    assert record["loss"] == spelled(method.tree("loss"))
    assert record["select"] == method.said("select")
    assert record["updates"] == method.said("updates")


def test_what_the_config_says_comes_first() -> None:
    config = default_config()
    use_reward(config, "pure")
    config.hp.tau = 0.5
    config.loss = "clipped(0.3) | kl(beta=width) | token_mean()"
    config.hp.width = 0.1
    record = resolved(config)
    assert record["hp"] == {**METHODS["pure"].hp, "tau": 0.5, "width": 0.1}
    assert record["loss"] == "clipped(epsilon=0.3) | kl(beta=0.1) | token_mean()"
    config.reward = "outcome('correct') | broadcast_to_tokens()"
    config.loss, config.updates = "vespo() | constant()", "epochs(2)"
    record = resolved(config)
    assert record["loss"].startswith("vespo(k_pos=2.0, lambda_pos=3.0, ")
    assert (record["updates"], record["hp"]) == ("epochs(2)", {})


def test_the_record_is_what_ran_and_keeps_the_history(tmp_path: Path) -> None:
    def record(**optim: float) -> dict:
        config = default_config()
        config.optim.update(optim)
        return resolved(config)

    def there() -> dict:
        return json.loads((tmp_path / "config.json").read_text())

    state = {"x": jnp.zeros(1)}
    write_config(tmp_path, record(lr=1e-3), None)
    assert there() == {**record(lr=1e-3), "history": []}
    one = checkpoint.save(tmp_path, 1, state, {"config": record(lr=1e-3)})
    assert changes(record(lr=1e-3), one) == {}
    assert changes(record(lr=5e-4), one) == {"optim.lr": [1e-3, 5e-4]}
    write_config(tmp_path, record(lr=5e-4), one)
    write_config(tmp_path, record(lr=5e-4, b1=0.5), one)
    assert there()["optim"]["lr"] == 5e-4
    history = there()["history"]
    assert [x["step"] for x in history] == [1, 1]
    assert history[0]["changed"] == {"optim.lr": [1e-3, 5e-4]}
    assert history[1]["changed"] == {"optim.b1": [0.9, 0.5]}
    (tmp_path / "config.json").write_text('{"history": {"step": 1}}')
    write_config(tmp_path, record(lr=1e-4), one)
    assert len(there()["history"]) == 1
    (tmp_path / "config.json").write_text("{torn")  # the checkpoint knows, too
    write_config(tmp_path, record(lr=1e-4), one)
    assert there()["history"][0]["changed"] == {"optim.lr": [1e-3, 1e-4]}


def test_a_run_says_what_it_ran_on(tmp_path: Path) -> None:
    """Once for each start on others than before; what a grid says stays."""
    file = tmp_path / "run.json"
    file.write_text('{"state": "runs", "seconds": 3.0}')
    for count in (1, 1, 2):
        write_devices(tmp_path, count)
    said = json.loads(file.read_text())
    kind, by = (
        jax.devices()[0].device_kind,
        {"jax": jax.__version__, "commit": commit()},
    )
    assert said.pop("devices") == [{"kind": kind, "count": n, **by} for n in (1, 2)]
    assert said == {"state": "runs", "seconds": 3.0}
