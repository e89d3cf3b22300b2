"""The score of a reward model, bent before it is compared."""

from rewardlab.methods.method import ALWAYS, BY_SEQUENCE, SOUND, Method

GRPO = ("DeepSeekMath", "2402.03300")
PAR = ("Reward Shaping to Mitigate Reward Hacking in RLHF", "2502.18770")
LENGTH = {"after": 300 / 512, "max_penalty": 2.12}  # 0.01 a token beyond 300 of 512
KL = (
    "the length is a share of the limit, as 300 of 512 tokens there; the KL of its "
    "GRPO is exp(x) - x - 1 of x = log pi - log ref, upside down; it trains on one of "
    "its latest four batches, here on each as it comes"
)

SHAPING: dict[str, Method] = {
    "par": Method(
        "outcome('score') | overlong_penalty(after=after, max_penalty=max_penalty)"
        " | par(ref='ref_score', k=k) | center_by_group()"
        " | scale_by_group_std(eps=1e-8) | broadcast_to_tokens()",
        *PAR,
        laws=ALWAYS,
        verified="code",
        hp={"k": 1.0, **LENGTH},
        scorers=f"reward_model(references=drawn(10, after={LENGTH['after']},"
        f" max_penalty={LENGTH['max_penalty']}))",
        believes="the chance to beat a reference, not its margin",
        loss="clipped(epsilon=0.2) | kl(beta=0.005, kind='k3_inverse') | token_mean()",
        differs=f"the code's GRPO form; references are the base's, sampled with the "
        f"batch; {KL}",
    ),
    "running_clip": Method(
        "outcome('score') | overlong_penalty(after=after, max_penalty=max_penalty)"
        " | clip_by_history()"
        " | center_by_group() | scale_by_group_std(eps=1e-8) | broadcast_to_tokens()",
        *PAR,
        laws=ALWAYS,
        verified="code",
        hp=LENGTH,
        believes="scores far from the usual say nothing more",
        loss="clipped(epsilon=0.2) | kl(beta=0.005, kind='k3_inverse') | token_mean()",
        differs="a baseline of the paper; statistics are those of the global batch; "
        + KL,
    ),
    "lsc": Method(
        "outcome('score') | minus_reference_quantile(ref='ref_score', quantile=q)"
        " | log_sigmoid() | center_by_group() | broadcast_to_tokens()",
        "Transforming and Combining Rewards for Aligning LLMs",
        "2402.00742",
        laws=SOUND,
        verified="paper",
        hp={"q": 0.85},
        scorers="reward_model(references=drawn(10))",
        believes="being good enough; beyond that little is gained",
        differs="the paper has PPO; PAR's code has a normal quantile",
    ),
    "cooper": Method(
        "outcome('score') | center_by_group() | scale_by_group_std(eps=1e-6)"
        " | broadcast_to_tokens()",
        "Cooper: Co-Optimizing Policy and Reward Models",
        "2508.05613",
        laws=(*SOUND, "shift", "scale"),
        verified="secondary",
        scorers="co_trained(first=sampled('correct'), pairs=digits_replaced())",
        believes="a reward model that is shown what is wrong as it goes",
        loss=BY_SEQUENCE,
        differs="the wrong answer is the right row with other digits, where a language "
        "model rewrites it; the reward model does not read the true answer, and is "
        "first trained on pairs of rows, where verdicts are; guess: its learning rate",
    ),
}
