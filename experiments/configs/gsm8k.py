"""Grade-school mathematics: a real model writes its steps and ends with `#### 5`.

    rewardlab train --config=gsm8k --config.model.name=PATH --workdir=runs/gsm8k

PATH is a folder such as that of Qwen2.5-0.5B-Instruct. The problems are TFDS's, whose
files must be on this disk, or of a folder of yours in Hugging Face's layout, as with
--config.data.path=gsm8k/main: columns `question` and `answer`.

Not run here. Public numbers for Qwen2.5-0.5B-Instruct, per cent of the 1,319 test
problems, from the baselines in verl's documentation, a run each: 49.6 before, PPO 56.7,
PRIME (a process reward) 58.7, GRPO with LoRA 54.3. One standard error of such a number
is 1.4 points, and prompts, lengths and batches here are not theirs.
"""

from ml_collections import ConfigDict

from rewardlab.runs.config import default_config, use_reward


def get_config(reward: str = "") -> ConfigDict:
    """GRPO on the outcome; or, as `gsm8k:rloo`, another reward."""
    config = default_config("data")
    if reward:
        use_reward(config, reward)
    config.data.update({"path": "tfds:gsm8k", "prompt": "question", "format": "chat"})
    config.data.instruction = (
        "\nThink step by step, and end with #### and the answer as a number."
    )
    config.scorers = "gsm8k('answer')"
    config.rollout.update({"num_prompts": 128, "num_generations": 8})
    config.rollout.update({"max_prompt_length": 384, "max_completion_length": 384})
    config.optim.update({"lr": 1e-6, "micro_batches": 16})
    config.train.max_steps = 100
    config.eval.update({"every": 10, "num_generations": 1, "temperature": 0.0})
    return config
