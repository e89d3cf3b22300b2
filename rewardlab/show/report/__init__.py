"""A grid or a run as one page that can be sent to a co-author."""

from rewardlab.show.report.write import report

__all__ = ["report"]
