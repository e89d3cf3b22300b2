"""A run against the fourteen items that papers on credit assignment should report."""

from rewardlab.show.checklist.checklist import Checked, checklist
from rewardlab.show.checklist.items import ITEMS, Item, Line

__all__ = ["ITEMS", "Checked", "Item", "Line", "checklist"]
