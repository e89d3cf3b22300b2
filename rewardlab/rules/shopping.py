"""Shop-R1: the next action of a shopper against the true one (2507.17842).

Form and type of the action, then what it names and types, then the likeness of the
texts, scaled by the difficulty. Read from a summary, not from the paper: a scale of
1000 outweighs all else, so look it up before you use it.
"""

from collections.abc import Mapping

from rewardlab.rules.bleu import rouge_l

Action = Mapping[str, str]  # "type", and "name" and "text" where the type has them


def action_reward(action: Action | None, truth: Action, scale: float = 1000.0) -> float:
    """0.5 for the form + 0.3 for the type + what the type asks for; None is no form.

    click: 0.2 if it names something + scale * ROUGE-L of the names.
    type_and_submit: 0.1 each if it names and types something + 0.1 ROUGE-L of the names
    + scale * ROUGE-L of the texts.
    """
    if action is None:
        return 0.0
    if action.get("type") != truth.get("type"):
        return 0.5
    name, text = action.get("name", ""), action.get("text", "")
    likeness = rouge_l(name, [truth.get("name", "")])
    reward = 0.8
    if truth.get("type") == "click":
        reward += 0.2 * bool(name) + scale * likeness
    if truth.get("type") == "type_and_submit":
        reward += 0.1 * bool(name) + 0.1 * bool(text) + 0.1 * likeness
        reward += scale * rouge_l(text, [truth.get("text", "")])
    return reward
