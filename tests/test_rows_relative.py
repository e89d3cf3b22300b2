"""Rows that compare completions, whole, by name.

Written from CodeGoat24/Pref-GRPO and Alibaba-NLP/qqr (which trains with slime).
"""

import numpy as np
from rows import against_group, agrees, batch, sequence_mean, trained


def test_pref_grpo():
    """Win rates against the group's others; a clip of 1e-4."""
    wins = np.random.default_rng(1).choice([0.0, 0.5, 1.0], (8, 3))
    b = batch(1, beats=wins)
    a = against_group(b, wins.mean(axis=1), 1e-8)
    agrees("pref_grpo", b, trained(a, sequence_mean, low=1e-4, high=1e-4), a)


def test_arena_rl():
    """Places of a tournament; 0.28 above, and the mean of rows' means."""
    places = np.array([1, 2 / 3, 1 / 3, 0, 0, 1, 2 / 3, 1 / 3])
    b = batch(2, placement=places)
    a = against_group(b, places, 1e-6)
    agrees("arena_rl", b, trained(a, sequence_mean, high=0.28), a)
