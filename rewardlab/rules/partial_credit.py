"""Machine-learning agents: credit for how far a programme came (2509.01684)."""


def partial_credit(
    score: float | None, matched: int, failed: float = -10.0, each: float = 0.1
) -> float:
    """The grader's score; without one (None), failed + each * progress lines matched.

    The lines are prints put into the programme ("data loaded", "model built"), so that
    almost-right programmes differ from hopeless ones. From a summary of the paper.
    """
    return failed + each * matched if score is None else score
