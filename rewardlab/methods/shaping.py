"""The score of a reward model, bent before it is compared."""

from rewardlab.methods.method import SOUND, Method

GRPO = ("DeepSeekMath", "2402.03300")
PAR = ("Reward Shaping to Mitigate Reward Hacking in RLHF", "2502.18770")

SHAPING: dict[str, Method] = {
    "par": Method(
        "outcome('score') | length_penalty(after=after, rate=rate)"
        " | par(ref='ref_score', k=k) | center_by_group()"
        " | scale_by_group_std(eps=1e-8) | broadcast_to_tokens()",
        *PAR,
        laws=SOUND,
        verified="code",
        hp={"k": 1.0, "after": 300, "rate": 0.01},
        aggregation="sequence_mean",
        believes="the chance to beat a reference, not its margin",
        differs="the code's GRPO form; reference scores come length-penalised",
    ),
    "running_clip": Method(
        "outcome('score') | length_penalty(after=after, rate=rate) | clip_by_history()"
        " | center_by_group() | scale_by_group_std(eps=1e-8) | broadcast_to_tokens()",
        *PAR,
        laws=SOUND,
        verified="code",
        hp={"after": 300, "rate": 0.01},
        aggregation="sequence_mean",
        believes="scores far from the usual say nothing more",
        differs="a baseline of the paper; statistics are those of the global batch",
    ),
    "lsc": Method(
        "outcome('score') | minus_reference_quantile(ref='ref_score', quantile=q)"
        " | log_sigmoid() | center_by_group() | broadcast_to_tokens()",
        "Transforming and Combining Rewards for Aligning LLMs",
        "2402.00742",
        laws=SOUND,
        verified="paper",
        hp={"q": 0.85},
        believes="being good enough; beyond that little is gained",
        differs="the paper has PPO; PAR's code has a normal quantile",
    ),
}
