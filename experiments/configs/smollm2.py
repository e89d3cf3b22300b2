"""A real model: SmolLM2-135M-Instruct learns short sums by a shaped reward.

    rewardlab train --config=smollm2 --workdir=runs/smollm2

The weights come from a package index (93 MB, Apache-2.0), once, and lie in the user's
cache; no hub is asked. A problem is `47 - 6 =` after three solved ones, and
neither its mirror nor the difference of the same two numbers is held out. An answer is
worth 1 if it is right, and up to 0.3 for the characters that it shares with the truth,
so a group without a right answer teaches something too. All parameters learn, in
float32.

How a reward is gamed: on `letter_counting` a reward for an answer that *contains* the
true one pays for writing many digits. The same with the outcome alone is the reward of
`grpo` (commands and figures of both: experiments/RESULTS.md).

    rewardlab train --config=smollm2 --workdir=runs/gamed \\
        --config.reward="outcome('cover_match') | center_by_group()
            | scale_by_group_std() | broadcast_to_tokens()" \\
        --config.task.name=letter_counting --config.scorers="cover_match('answer')" \\
        --config.data.shot=$'Q: {prompt}\\nA: {answer}\\n'
"""

from ml_collections import ConfigDict

from rewardlab.runs.config import default_config, use_reward

SHAPED = (
    "outcome('correct') | outcome('likeness') | weighted_sum(correct=1, likeness=0.3)"
    " | center_by_group() | scale_by_group_std() | broadcast_to_tokens()"
)


def get_config(reward: str = "") -> ConfigDict:
    """The shaped reward; or, as `smollm2:grpo`, another method or a sentence."""
    config = default_config("chain_sum")
    use_reward(config, reward or SHAPED)
    config.scorers = "likeness('answer')"
    config.model.name = "smollm2-135m"
    config.data.update({"format": "few_shot", "shot": "{prompt} {answer}\n"})
    config.rollout.update({"num_prompts": 8, "num_generations": 8})
    config.rollout.max_completion_length = 6
    config.optim.update({"lr": 1e-5, "schedule": "cosine"})
    config.train.max_steps = 40
    config.eval.update({"every": 40, "num_problems": 128})
    # A checkpoint has the parameters and two moments of each: 1.6 GB.
    config.checkpoint.update({"every": 20, "keep": 1})
    return config
