"""Countdown: a real model makes a target of three or four numbers.

    rewardlab train --config=countdown --config.model.name=PATH --workdir=runs/countdown

PATH is a folder with a chat template. The puzzles are made here, each with a solution;
the verifier works the answer out in fractions, and every number must be used once.

Not run here. Public numbers for Qwen2.5-0.5B that was first shown solutions, from the
card of the model ba144220/cs224r-default-project-rloo (one run on other puzzles, of
which 50 were held out): RLOO, 8 samples a prompt, 100 steps, lr 1e-5, takes pass@1 from
0.30 to 0.641, pass@16 from 0.75 to 0.78, and the mean score, in which the form alone is
worth 0.1, from 0.366 to 0.641. Without solutions first, a base model of that size is
reported to learn little.
"""

from ml_collections import ConfigDict

from rewardlab.runs.config import default_config, use_reward


def get_config(reward: str = "") -> ConfigDict:
    """RLOO on the outcome; or, as `countdown:grpo`, another reward."""
    config = default_config("countdown")
    use_reward(config, reward or "rloo")
    config.data.format = "chat"
    config.task.difficulty.train = 4096
    config.rollout.update({"num_prompts": 64, "num_generations": 8})
    config.rollout.max_completion_length = 512
    config.optim.update({"lr": 1e-5, "micro_batches": 8})
    config.train.max_steps = 100
    config.eval.update({"every": 10, "num_generations": 16})
    return config
