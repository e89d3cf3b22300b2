"""Curves of training, drawn in one way: after a run, after a grid, and for a paper."""
