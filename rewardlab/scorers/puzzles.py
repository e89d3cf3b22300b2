"""Verdicts on puzzles that are made of the data themselves."""

from rewardlab.rules.answers import normalized, tagged
from rewardlab.scorers.verifier import Case, Maker, Verifier


def puzzle(column: str, tag: str = "answer") -> Maker:
    """`solved`, `format` [N]: whether the last <tag>...</tag> is the column's text.

    Form is 1 where the completion is such a block and nothing else. What was done to
    the data is the solution, so nobody has to label them. (SSL4RL, arXiv 2510.16416:
    the method `ssl4rl`)

    puzzle('turn'): "<answer>2</answer>", "so <answer>2</answer>", "2", with "2"
    -> solved 1, 1, 0 and format 1, 0, 0
    """

    def judge(case: Case, truth: str) -> dict[str, float]:
        said, text = tagged(case.text, tag), case.text.strip()
        alone = said is not None and text == f"<{tag}>{said}</{tag}>"
        right = said is not None and normalized(said) == normalized(truth)
        return {"solved": float(right), "format": float(alone)}

    return Verifier("puzzle", ("solved", "format"), (column,), judge)
