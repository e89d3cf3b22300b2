"""Router-R1: the form of a text that thinks, asks models, answers (2506.09033).

The reward is a sentence: the method `router_r1` reads `form` (this file), `correct`
(`answers.exact_match` or `answers.word_f1` of the last <answer>) and `cost` (tokens
times price).
"""

from collections.abc import Callable

from rewardlab.rules.blocks import blocks

TAGS = ("search", "answer", "think", "information")
_MARKS = [mark for tag in TAGS for mark in (f"<{tag}>", f"</{tag}>")]
END = "</answer>"


def form(text: str, is_model: Callable[[str], bool]) -> float:
    """0 for a text of the right form, else -1, which overrides the other rewards.

    One answer, at the end; thoughts that are not empty, the first at the beginning;
    every search "model: query" has its information; no block in another. `is_model`
    says which names can be asked, in lower case.
    """
    said = [(tag, content.strip()) for tag, content in blocks(text, TAGS)]
    contents = {tag: [c for t, c in said if t == tag] for tag in TAGS}
    text = text.strip()
    right = (
        all(text.count(f"<{tag}>") == text.count(f"</{tag}>") for tag in TAGS)
        and not any(mark in content for _, content in said for mark in _MARKS)
        and len(contents["answer"]) == 1
        and len(contents["think"]) > 0
        and not any(thought in ("", "...") for thought in contents["think"])
        and len(contents["search"]) == len(contents["information"])
        and text.startswith("<think>")
        and text.endswith(END)
        and all(asks(search, is_model) for search in contents["search"])
    )
    return 0.0 if right else -1.0


def asks(search: str, is_model: Callable[[str], bool]) -> bool:
    """Whether a search is "model: query", filled in, with a query of its own."""
    model, *queries = (part.strip().lower() for part in search.split(":"))
    if len(queries) != 1 or not queries[0] or model in queries[0]:
        return False
    copied = any(blank in search.lower() for blank in ("llm-name", "your-query"))
    return not copied and is_model(model)
