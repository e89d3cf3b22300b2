"""Prompts become rollouts."""

from rewardlab.sampling.completions import sample as sample
from rewardlab.sampling.drawing import Sampling as Sampling
from rewardlab.sampling.drawing import truncate as truncate
from rewardlab.sampling.episodes import play as play
from rewardlab.sampling.forking import Branching as Branching
from rewardlab.sampling.host_episodes import play_on_host as play_on_host
from rewardlab.sampling.host_episodes import unplayed_on_host as unplayed_on_host
from rewardlab.sampling.playing import End as End
from rewardlab.sampling.trees import grow as grow
