"""A model for runs of seconds, which compile more than they compute."""

import dataclasses

from rewardlab.models import lm

TINY = "tiny"
lm.CONFIGS[TINY] = dataclasses.replace(
    lm.CONFIGS["S"], num_layers=1, width=64, num_heads=2, num_kv_heads=2, ffn=128
)
