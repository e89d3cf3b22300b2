"""Rewards by rule, from text, tool calls, tables and boxes: functions of the host.

The words of `rewardlab.scorers` that judge by rule ask them of every completion.
"""
