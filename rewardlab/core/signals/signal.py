"""What is known of a signal."""

from typing import NamedTuple

from rewardlab.core.signals.draws import Draw


class Signal(NamedTuple):
    """What a signal is, and how rewards enter the laws.

    Shapes are written in letters: N rows, S steps, T tokens, R references, V values
    (before each step and after the last), K members of an ensemble, C criteria of a
    rubric. `shift`: adding a constant to those of a prompt is the law `shift`; `scale`:
    multiplying them all is the laws `scale` and `homogeneous`. `abstains`: the signal
    may come with `name_valid`. `potential`: its values belong to states, and other
    values are the law `policy_invariance`.
    """

    shape: str
    says: str
    draw: Draw
    shift: bool = False
    scale: bool = False
    abstains: bool = False
    potential: bool = False
