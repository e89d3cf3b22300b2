"""Which rows or prompts are trained on, weighted or replayed: functions of arrays.

Groups are ids 0..B-1, one for each row, as `rollout.group`; B is static.
"""
