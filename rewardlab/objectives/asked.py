"""What a loss asks of the pass of the policy that is trained, beside log-probs."""

from typing import NamedTuple

from rewardlab.core.tree import Tree
from rewardlab.objectives.dppo import dppo_top_k
from rewardlab.objectives.words import LOSSES, arguments_of

# What reads the whole next-token distribution, which costs a pass over the logits.
READS_WHOLE = ("entropy_bonus", "steer", "steer_exponential", "rover")


class Compared(NamedTuple):
    """Tokens whose log-probs a loss compares with those of the sampler."""

    number: int  # how many, at each place
    ids: str  # the signal [N, T, K] that names them


def reads_whole(tree: Tree) -> bool:
    """Whether a loss reads more of the trained policy than the log-probs of tokens.

    A word of yours may, so it is given them.
    """
    known = {*LOSSES} - {*READS_WHOLE}
    return any(part.word not in known for part in tree.parts)


def compared_tokens(tree: Tree) -> Compared | None:
    """The tokens beside the sampled ones that a loss compares, if it does."""
    for word in tree.parts:
        if word.make is dppo_top_k:
            said = arguments_of(word)
            return Compared(int(said["k"]), str(said["ids"]))
    return None


def verdict_token(tree: Tree) -> int | None:
    """The token after the end of a row whose log-prob a loss reads, if it does."""
    for word in tree.parts:
        if word.word == "self_verdict":
            return int(arguments_of(word)["token"])
    return None
