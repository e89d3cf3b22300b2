"""Rewards by rule, from text, tool calls, tables and boxes: functions of the host.

Those on text fit `scorers.text_rewards.TextReward`, directly or with `texts.each`; what
they give is an [N] signal for a sentence.
"""
