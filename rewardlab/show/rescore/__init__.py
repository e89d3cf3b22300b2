"""`rewardlab rescore`: kept rollouts under another sentence, without a model."""

from rewardlab.show.rescore.found import Rescored, rescore
from rewardlab.show.rescore.page import rescored_page
from rewardlab.show.rescore.printed import printed

__all__ = ["Rescored", "printed", "rescore", "rescored_page"]
