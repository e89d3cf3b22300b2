"""Who makes signals: verifiers, text rewards, forward passes and others."""

from collections.abc import Callable
from typing import Any

from rewardlab.scorers.agents import agents, peers, trajectories
from rewardlab.scorers.attention import attention_rewards
from rewardlab.scorers.critic import critic, step_critic, value_model
from rewardlab.scorers.critics import criteria, critics
from rewardlab.scorers.distributions import (
    blind,
    certainty,
    gradient_norm_squared,
    importance,
    mean_logp,
    self_certainty,
    sum_pi_squared,
    top_margin,
    varentropy,
)
from rewardlab.scorers.double_critic import double_critic
from rewardlab.scorers.effective_rank import rank_bonus
from rewardlab.scorers.facts import column, finished, positive
from rewardlab.scorers.flow import flow
from rewardlab.scorers.follow_ups import follow_ups
from rewardlab.scorers.hindsight import adaptive_clip, hindsight
from rewardlab.scorers.implicit import (
    implicit,
    implicit_detached,
    implicit_dpo,
    implicit_kto,
)
from rewardlab.scorers.insight import insight
from rewardlab.scorers.judge import asked, judge
from rewardlab.scorers.kinds import offset_common_kinds
from rewardlab.scorers.labels import step_labels
from rewardlab.scorers.partner import partner
from rewardlab.scorers.passes import entropy, reference, states, states_after
from rewardlab.scorers.past import past
from rewardlab.scorers.planning import planning
from rewardlab.scorers.prefixes import prefix_values
from rewardlab.scorers.privileged import privileged_critic
from rewardlab.scorers.promise_model import promise_model
from rewardlab.scorers.ratings import ratings
from rewardlab.scorers.redistribute import (
    contributions,
    latent_reward,
    prefix_differences,
)
from rewardlab.scorers.relevance import relevance
from rewardlab.scorers.restarts import segment_at_uncertain_tokens, segment_values
from rewardlab.scorers.reward_words import REWARD_MODELS
from rewardlab.scorers.rewarded import class_weight, rewarded
from rewardlab.scorers.second import (
    divergence,
    moving_reference,
    strong,
    teacher,
    weak,
)
from rewardlab.scorers.self_score import self_score
from rewardlab.scorers.step_lm import step_lm
from rewardlab.scorers.step_model import aggregate_steps, step_model
from rewardlab.scorers.steps import step_facts, step_states
from rewardlab.scorers.verifiers import VERIFIERS
from rewardlab.scorers.versus import versus
from rewardlab.scorers.visits import goal_nearness, graph_values, state_values

# The words of `scorers`: each gives a function of the `Setting` that gives a `Scorer`.
SCORERS: dict[str, Callable[..., Any]] = {
    "adaptive_clip": adaptive_clip,
    "agents": agents,
    "peers": peers,
    "trajectories": trajectories,
    "hindsight": hindsight,
    "asked": asked,
    "attention_rewards": attention_rewards,
    "aggregate_steps": aggregate_steps,
    "blind": blind,
    "certainty": certainty,
    "class_weight": class_weight,
    "column": column,
    "criteria": criteria,
    "contributions": contributions,
    "critic": critic,
    "critics": critics,
    "divergence": divergence,
    "double_critic": double_critic,
    "entropy": entropy,
    "finished": finished,
    "follow_ups": follow_ups,
    "goal_nearness": goal_nearness,
    "graph_values": graph_values,
    "state_values": state_values,
    "implicit": implicit,
    "implicit_detached": implicit_detached,
    "implicit_dpo": implicit_dpo,
    "implicit_kto": implicit_kto,
    "moving_reference": moving_reference,
    "insight": insight,
    "judge": judge,
    "positive": positive,
    "latent_reward": latent_reward,
    "offset_common_kinds": offset_common_kinds,
    "past": past,
    "planning": planning,
    "prefix_differences": prefix_differences,
    "prefix_values": prefix_values,
    "ratings": ratings,
    "privileged_critic": privileged_critic,
    "promise_model": promise_model,
    "rewarded": rewarded,
    "segment_at_uncertain_tokens": segment_at_uncertain_tokens,
    "segment_values": segment_values,
    "self_score": self_score,
    "flow": flow,
    "gradient_norm_squared": gradient_norm_squared,
    "importance": importance,
    "mean_logp": mean_logp,
    "partner": partner,
    "rank_bonus": rank_bonus,
    "reference": reference,
    "relevance": relevance,
    "self_certainty": self_certainty,
    "states": states,
    "step_critic": step_critic,
    "states_after": states_after,
    "strong": strong,
    "step_facts": step_facts,
    "step_labels": step_labels,
    "step_lm": step_lm,
    "step_model": step_model,
    "step_states": step_states,
    "sum_pi_squared": sum_pi_squared,
    "teacher": teacher,
    "weak": weak,
    "versus": versus,
    "value_model": value_model,
    **REWARD_MODELS,
    "top_margin": top_margin,
    "varentropy": varentropy,
    **VERIFIERS,
}

# Who makes what a sentence implies, where nobody says so.
USUAL = {
    "blame_logp": "follow_ups()",
    "blind_logp": "blind()",
    "certainty": "certainty()",
    "class_weight": "class_weight()",
    "contribution": "contributions()",
    "entropy": "entropy()",
    "finished": "finished()",
    "goal_nearness": "goal_nearness()",
    "graph_value": "graph_values()",
    "clip_scale": "adaptive_clip()",
    "peers": "peers()",
    "hindsight_logp": "hindsight()",
    "hidden": "states()",
    "hidden_after": "states_after()",
    "praise_logp": "follow_ups()",
    "prefix_value": "prefix_values()",
    "prompt_value": "prefix_values()",
    "is_planning": "planning()",
    "prm_logp": "implicit()",
    "positive": "positive()",
    "segment": "segment_at_uncertain_tokens()",
    "segment_value": "segment_values()",
    "uncertain": "segment_at_uncertain_tokens()",
    "past_correct": "past('step_facts', 'correct')",
    "past_step_facts": "past('step_facts', 'correct')",
    "past_step_label": "past('step_states', 'step_label', 'step_weight')",
    "past_step_states": "past('step_states', 'step_label', 'step_weight')",
    "past_step_weight": "past('step_states', 'step_label', 'step_weight')",
    "members": "ensemble()",
    "score": "reward_model()",
    "state_value": "state_values()",
    "step_facts": "step_facts()",
    "step_label": "step_labels()",
    "step_states": "step_states()",
    "step_weight": "step_labels()",
    "importance": "importance()",
    "mean_logp": "mean_logp()",
    "ref_logp": "reference()",
    "self_score": "self_score()",
    "relevance": "relevance()",
    "sum_pi_squared": "sum_pi_squared()",
    "strong_logp": "strong()",
    "teacher_logp": "teacher()",
    "turn_advantage": "double_critic()",
    "turn_progress": "promise_model()",
    "turn_score": "privileged_critic()",
    "value": "critic()",
    "weak_logp": "weak()",
}
