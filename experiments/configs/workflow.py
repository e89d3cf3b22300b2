"""A workflow with tempting pay: an agent learns to mend, and to submit.

    python -m experiments.train --config=experiments/configs/workflow.py \
        --workdir=runs/workflow

No run of this config is measured yet.
"""

from ml_collections import ConfigDict

from rewardlab.config import default_config, use_reward


def get_config(reward: str = "") -> ConfigDict:
    """GRPO on the outcome; or, as `workflow.py:igpo`, another reward."""
    config = default_config("workflow")
    if reward:
        use_reward(config, reward)
    config.warmup.update({"steps": 1000, "micro_batches": 2})
    config.loss.micro_batches = 2
    config.optim.update({"lr": 4e-4, "schedule": "cosine"})
    config.train.max_steps = 250
    config.eval.every = 20
    config.mesh.devices = 2  # both cores of a small machine
    return config
