"""Audits: a sentence on small decision processes whose exact gradient is known."""

from rewardlab.audits.audit import Audit, audit
from rewardlab.audits.world import WORLDS, World, world_of

__all__ = ["WORLDS", "Audit", "World", "audit", "world_of"]
