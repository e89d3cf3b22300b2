"""The reasoning-pattern reward (RPR): phrases of someone who thinks (2505.22653)."""

from collections.abc import Sequence

from rewardlab.rules.ngrams import repeated_kinds

# The phrases of the paper's code, looked for in lower-cased text, inside words too.
MATH_PHRASES = (
    *("i need to", "we need to", "wait", "alternatively", "let me check", "let me see"),
    *("let's focus on", "we know that", "we can observe ", "we can see "),
    *("let me try", "let's try", "let us try", "first, ", "firstly, ", "next, "),
    *("finally, ", "let us first", "let's first", "let me first", "try again"),
    *("still not", "not working", "not correct", "does not work", "doesn't work"),
    *("makes sence", "since we ", "because we ", "consequently", "as a result"),
    *("thus", "therefore", "hence", "so that", "thereby", "if we", "given there "),
    *("for instance ", "for example "),
)
CHAT_PHRASES = (
    *MATH_PHRASES,
    *("1. ", "2. ", "3. ", "4. ", "step 1 ", "step 2 ", "step 3. ", "step 4 "),
    *("considering the", "i'll", "i will", "i would", "i should"),
)
MARK = "Assistant: <think>"


def thinking(text: str, mark: str = MARK) -> str:
    """What comes after the first `mark` and a space; all of a text without the mark.

    The paper's code drops the first 18 characters of a text without it.
    """
    _, found, after = text.partition(mark)
    return after[1:] if found else text


def reasoning_pattern(
    text: str, phrases: Sequence[str] = MATH_PHRASES, turns: Sequence[str] = ("user: ",)
) -> float:
    """max(0, min(1, hits / 20) - repeated 20-grams - self-made turns), in [0, 1].

    hits counts the phrases that occur. Writing the next question oneself costs 1 each,
    for a reward model's texts with `turns=()`.
    """
    text = text.lower()
    hits = sum(phrase in text for phrase in phrases)
    score = min(1.0, hits / 20) - repeated_kinds(text, 20)
    return max(0.0, score - sum(text.count(turn) for turn in turns))
