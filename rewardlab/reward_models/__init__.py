"""Learned rewards: losses and scores as pure functions of numbers a model gives.

Networks are elsewhere. One idea a file; a loss returns one number a pair or an item,
and the caller averages it.
"""
