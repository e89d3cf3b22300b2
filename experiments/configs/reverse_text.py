"""Reverse text: a real model writes words backwards, and is paid for what is alike.

    rewardlab train --config=reverse_text --config.model.name=PATH \\
        --workdir=runs/reverse_text

PATH is a folder with a chat template. The reward is the share of matching characters,
`likeness`, in [0, 1]; `correct` is the whole line. Lines are made here: 2 to 4 words.

Not run here. Public numbers for Qwen3-0.6B on short paragraphs, from prime-rl's example
reverse-text, one run: a mean likeness of 0.05 as it comes, and 0.8 after it was first
shown reversed texts and then learned 20 steps of 16 prompts x 16 samples.
"""

from ml_collections import ConfigDict

from rewardlab.runs.config import default_config, use_reward

LIKENESS = (
    "outcome('likeness') | center_by_group() | scale_by_group_std()"
    " | broadcast_to_tokens()"
)


def get_config(reward: str = "") -> ConfigDict:
    """The likeness, normalised by group; or, as `reverse_text:grpo`, another reward."""
    config = default_config("reverse_text")
    use_reward(config, reward or LIKENESS)
    config.data.update({"format": "chat", "template_options": "enable_thinking=False"})
    config.rollout.update({"num_prompts": 16, "num_generations": 16})
    config.optim.update({"lr": 3e-6, "micro_batches": 2})
    config.train.max_steps = 20
    config.eval.every = 5
    return config
