"""Rewards made by comparing completions with one another.

Judges are asked on the host, so these are functions of Python numbers and NumPy; what
they give is an [N] or [N, K] signal for a sentence.
"""
