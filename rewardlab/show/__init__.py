"""One episode of a run as a person reads it: in the terminal and as a page."""

from rewardlab.show.episode import Episode, Fact, Part, Token, Turn, read_episode
from rewardlab.show.page import page
from rewardlab.show.terminal import terminal

__all__ = [
    "Episode",
    "Fact",
    "Part",
    "Token",
    "Turn",
    "page",
    "read_episode",
    "terminal",
]
