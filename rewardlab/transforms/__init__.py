"""Every word that a sentence may use, by kind. One idea a file."""

from rewardlab.core.types import Table
from rewardlab.transforms.baselines import BASELINES
from rewardlab.transforms.combinators import COMBINATORS
from rewardlab.transforms.credit import CREDIT
from rewardlab.transforms.shapers import SHAPERS
from rewardlab.transforms.sources import SOURCES
from rewardlab.transforms.weights import WEIGHTS

TRANSFORMS: Table = {
    **SOURCES,
    **SHAPERS,
    **COMBINATORS,
    **BASELINES,
    **CREDIT,
    **WEIGHTS,
}
