"""Runs that keep their rollouts, and how `rewardlab rescore` is asked for them."""

import sys

import pytest
from small import SHORT_RUN

from rewardlab.__main__ import main
from rewardlab.runs.config import default_config

# Its third word has a state, and a policy that knows little earns something.
OWN = (
    "process('prm') | episode_return() | standardize_by_history() | center_by_group()"
    " | broadcast_to_tokens()"
)


def short(task="arithmetic", **changes):
    config = default_config(task)
    known = {
        key: value
        for key, value in SHORT_RUN.items()
        if not key.startswith("task.") or key.split(".")[2] in config.task.difficulty
    }
    config.update_from_flattened_dict(
        {
            **known,
            "reward": OWN,
            "warmup.steps": 30,
            "train.max_steps": 4,
            "eval.num_problems": 2,
            "eval.num_generations": 1,
            "log.bundle_every": 2,
            "mesh.devices": 1,
            **changes,
        }
    )
    return config


def said(capsys, monkeypatch, *arguments, status=0):
    monkeypatch.setattr(sys, "argv", ["rewardlab", "rescore", *map(str, arguments)])
    monkeypatch.setenv("COLUMNS", "120")
    if status:
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == status
        return capsys.readouterr().err
    main()
    return capsys.readouterr().out
