"""Which adapter reads which golden file, and where we differ from the reference."""

from golden_adapters import groups, igpo, losses, pure, shaping

ADAPTERS = {
    "clip_delta": shaping.clip_delta,
    "par_shaping": shaping.par_shaping,
    "par_reward_models": groups.par_models,
    "lsc_transform": shaping.lsc,
    "g_ra": shaping.g_ra,
    "igpo_v1": igpo.first_release,
    "igpo_v2_turn": igpo.turn_level,
    "pure_openrlhf": pure.openrlhf,
    "pure_verl": pure.verl,
    "grpo": groups.verl_outcome("grpo_like_verl"),
    "grpo_no_std": groups.verl_outcome("dr_grpo_like_verl"),
    "grpo_tiny_variance": groups.verl_outcome("grpo_like_verl"),
    "grpo_vectorized": groups.verl_outcome("grpo_like_verl_vectorized"),
    "rloo": groups.verl_outcome("rloo_like_verl"),
    "rloo_vectorized": groups.verl_outcome("rloo"),
    "reinforce_pp_gamma1.0": groups.verl_reinforce_pp,
    "reinforce_pp_gamma0.9": groups.verl_reinforce_pp,
    "reinforce_pp_baseline": groups.verl_reinforce_pp_baseline,
    "trl_grpo_scale_group": groups.trl("grpo_like_trl"),
    "trl_grpo_scale_batch": groups.trl("grpo_like_trl_batch"),
    "trl_grpo_scale_none": groups.trl("dr_grpo"),
    "trl_rloo": groups.trl_rloo,
    "tunix_advantages": groups.tunix,
    "kl_penalty": losses.kl_penalty,
    "loss_aggregation": losses.loss_aggregation,
    "ppo_clip_dual": losses.ppo_clip,
    "pass_at_k": losses.pass_at_k,
}

# Relative tolerance in float64 where 1e-9 is not meant, and why.
LOOSE_64 = {
    "grpo_vectorized": (1e-4, "group statistics are float32 in the reference"),
    "reinforce_pp_gamma1.0": (1e-7, "its masked means divide by count + 1e-8"),
    "reinforce_pp_gamma0.9": (1e-7, "its masked means divide by count + 1e-8"),
    "reinforce_pp_baseline": (1e-7, "its masked means divide by count + 1e-8"),
    "loss_aggregation": (1e-7, "its row means divide by length + 1e-8"),
    "ppo_clip_dual": (1e-7, "its metrics and row means divide by count + 1e-8"),
}

# Relative tolerance in float32 where 1e-5 is not possible, and why.
LOOSE_32 = {
    "grpo_tiny_variance": (1e-3, "rewards of 0.5 differ by 1e-4: 12 bits are left"),
    "grpo_vectorized": (1e-3, "rewards of 0.5 differ by 1e-4: 12 bits are left"),
}

# Where the reference gives NaN (a number that we define instead), and what we give.
NAN_IS = {
    "tunix_advantages": "a group of one gets 0",
    "par_shaping": "min-max of a batch in which all is equal gives 0",
    "loss_aggregation": "a mean over nothing is 0; NaN outside the mask is unread",
    "ppo_clip_dual": "a mean over nothing is 0",
    "trl_rloo": "a lone reward gets 0",
    "pure_openrlhf": "a group of one gets nothing",
}

# Outputs that show a trap of a released code, not the method.
NOT_THE_METHOD = ("unused_", "code_quirk")
