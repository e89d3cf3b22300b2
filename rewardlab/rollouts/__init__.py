"""Prompts become rollouts."""

from rewardlab.rollouts.completions import rollout_completions as rollout_completions
from rewardlab.rollouts.drawing import Sampling as Sampling
from rewardlab.rollouts.drawing import truncate as truncate
from rewardlab.rollouts.episodes import rollout_episodes as rollout_episodes
from rewardlab.rollouts.forking import Branching as Branching
from rewardlab.rollouts.host_episodes import blank_episodes as blank_episodes
from rewardlab.rollouts.host_episodes import (
    rollout_episodes_on_host as rollout_episodes_on_host,
)
from rewardlab.rollouts.state import End as End
from rewardlab.rollouts.trees import rollout_trees as rollout_trees
