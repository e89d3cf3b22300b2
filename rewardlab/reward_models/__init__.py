"""Learned rewards: losses and scores as pure functions of numbers a model gives.

No network is here and no run trains one: these are for a training loop of your own,
whose scores a run then reads as signals. One idea a file; a loss returns one number a
pair or an item, and the caller averages it.
"""
