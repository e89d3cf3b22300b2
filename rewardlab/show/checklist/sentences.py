"""Two runs whose difference is meant to be the credit alone: what else differs."""

import difflib
from collections import Counter
from typing import NamedTuple

from rewardlab.core.sentence import parse
from rewardlab.methods.sentence import TRANSFORM
from rewardlab.results.reading import RunResult
from rewardlab.show.checklist.case import flat, sentence_of

# What makes a sentence and the signals that it reads, or says where a run lies.
_OF_CREDIT = {
    *("reward", "sentence", "scorers", "signals", "models", "words", "seed"),
    *("history", "data_dir", "model.init_from", "rollout.continuations"),
}
_GROUPS = ("hp.", "rollout.branching.", "log.", "checkpoint.", "mesh.")
# What is paid, and against what whole rows are set: no matter of credit.
_WHOLE = {
    *("outcome", "average", "center_by_group", "center_by_batch", "whiten"),
    *("scale_by_group_std", "scale_by_group_mean", "scale_by_batch_std"),
    *("scale_by_outcome_std", "scale_to_leave_one_out", "center_by_own_rows"),
}


class Apart(NamedTuple):
    """In what two runs differ."""

    parts: tuple[str, ...]  # of the sentences: "- word()" and "+ word()"
    words: tuple[str, ...]  # of these, what is no matter of credit
    keys: tuple[str, ...]  # of the configs besides


def apart(ours: RunResult, theirs: RunResult) -> Apart:
    """What tells a run from another, from theirs to ours."""
    a, b = (sentence_of(x.config) or sentence_of(x.config, "reward") for x in
            (theirs, ours))  # fmt: skip
    before, after = (_parts(text) for text in (a, b))
    lines = difflib.ndiff(before, after)
    changed = tuple(line for line in lines if line[0] in "+-")
    one, other = _whole(a), _whole(b)
    words = (one - other) + (other - one)
    return Apart(changed, tuple(words), tuple(other_keys(ours, theirs)))


def other_keys(ours: RunResult, theirs: RunResult) -> list[str]:
    """The keys of both configs whose values differ, besides sentences of rewards and
    signals."""
    a, b = flat(ours.config), flat(theirs.config)
    keys = [key for key in a if key in b and a[key] != b[key]]
    return [k for k in keys if k not in _OF_CREDIT and not k.startswith(_GROUPS)]


def _parts(text: str) -> list[str]:
    return [str(part) for part in parse(text, TRANSFORM).parts] if text else []


def _whole(text: str) -> Counter[str]:
    words = parse(text, TRANSFORM).words if text else ()
    return Counter(str(word) for word in words if word.word in _WHOLE)
