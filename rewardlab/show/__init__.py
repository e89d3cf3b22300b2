"""One episode of a run as a person reads it: in the terminal and as a page."""

from rewardlab.show.episode import Episode, Step, episode_of, read_episode, read_step
from rewardlab.show.listing import listing
from rewardlab.show.page import page
from rewardlab.show.rows import SORTS
from rewardlab.show.site import write_pages
from rewardlab.show.terminal import terminal

__all__ = [
    "SORTS",
    "Episode",
    "Step",
    "episode_of",
    "listing",
    "page",
    "read_episode",
    "read_step",
    "terminal",
    "write_pages",
]
