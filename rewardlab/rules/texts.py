"""From a rule for one text to a reward function for a batch."""

from rewardlab.text import Text


def own_words(completion: Text) -> str:
    """What the policy wrote: a text as it is, of messages those of the assistant."""
    if isinstance(completion, str):
        return completion
    own = [m["content"] for m in completion if m["role"] == "assistant"]
    return "".join(own)
