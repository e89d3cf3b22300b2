"""Prompts become rollouts."""

from rewardlab.rollouts.completions import sample as sample
from rewardlab.rollouts.drawing import Sampling as Sampling
from rewardlab.rollouts.drawing import truncate as truncate
from rewardlab.rollouts.episodes import play as play
from rewardlab.rollouts.forking import Branching as Branching
from rewardlab.rollouts.host_episodes import play_on_host as play_on_host
from rewardlab.rollouts.host_episodes import unplayed_on_host as unplayed_on_host
from rewardlab.rollouts.playing import End as End
from rewardlab.rollouts.trees import grow as grow
