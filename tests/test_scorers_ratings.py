"""Ratings of two agents: who is asked, who gets which number, and what is taught."""

import jax.numpy as jnp
import numpy as np
import pytest
from judged import TEXTS, Oracle, asked, context, rows

AGENT = np.array([[0, 1, 0]] * 7 + [[1, 0, 1]])
ATTEMPT = np.array(
    [[1, 1, 0], [0, 1, 0], [0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 1], [0, 0, 0]]
    + [[1, 1, 1]]
)
SAID = np.array([[True, True, i % 2 == 0] for i in range(8)])
SAID[6] = [True, False, True]  # the other agent says nothing


def episodes():
    signals = {"agent": AGENT, "attempt": 1.0 * ATTEMPT, "attempt_valid": SAID}
    signals["agent_valid"] = SAID
    return rows().with_signals(**{k: jnp.asarray(x) for k, x in signals.items()})


def due(i):
    """The share of agent 0 in what row i deserves; None where there is none."""
    turns = [[k for k in range(3) if SAID[i, k] and AGENT[i, k] == m] for m in (0, 1)]
    if not all(turns) or not TEXTS[i][1]:
        return None
    right = [np.mean([ATTEMPT[i, k] for k in ks]) for ks in turns]
    if episodes().signals["correct"][i] < 0.5:
        right = [1 - x for x in right]
    return right[0] / sum(right) if sum(right) else 0.5


def test_each_agent_rates_itself_and_the_other():
    """Asked as agent a or b of a right or a wrong outcome, in tenths for agent 0."""
    tenths = {"an": 1, "ay": 7, "bn": 3, "by": 5}
    model = Oracle(lambda text: str(tenths[text[-3:-1]]))
    found, *_ = asked("ratings()", model, episodes())
    for i in range(8):
        known = due(i) is not None
        assert found["self_rating_valid"][i].tolist() == [known] * 3
        verdict = "ny"[int(episodes().signals["correct"][i])]
        for k in range(3):
            who = "ab"[AGENT[i, k]]
            other = "ba"[AGENT[i, k]]
            own, peer = (tenths[x + verdict] / 10 for x in (who, other))
            if who == "b":
                own, peer = 1 - own, 1 - peer
            assert found["self_rating"][i, k] == pytest.approx(own)
            assert found["peer_rating"][i, k] == pytest.approx(peer)


def test_what_a_rater_is_taught():
    """The nearest tenth to what each agent got right, or wrong, of both together."""
    shares = [due(i) for i in range(8)]
    assert shares.count(None) == 2 and len(set(shares)) > 4
    text = [q + t.rstrip(".") for q, t in TEXTS]

    def tell(prompt):
        (i,) = [i for i in range(8) if prompt[:-3] == text[i]]
        share = 0.5 if shares[i] is None else shares[i]
        return str(int(np.round(np.clip(share, 0.1, 0.9) * 10)))

    for model, loss in ((Oracle(tell), 0), (Oracle(lambda _: "y"), 99)):
        found, scorer, state = asked("ratings()", model, episodes())
        full = episodes().with_signals(**found)
        total, told = scorer.fit.loss(state, context(), full, None, None)
        assert float(total.count) == 12  # of six rows, by both agents
        assert float(total.value / total.count) == pytest.approx(loss, abs=1e-4)
        error = float(told["error"].mean())
        assert error < 0.06 if loss == 0 else error > 0.1
