"""Where a method's own paper or code is weak: facts in our words, with their source.

Each was met while the method was written down or run here; none is a measure of how
good the method is.
"""

from typing import NamedTuple


class Weakness(NamedTuple):
    """What a reader of a method's paper should know of it."""

    row: str  # a key of METHODS; "" of a method without a row
    fact: str
    source: str


WEAK = (
    Weakness(
        "finepo",
        "In its own table random step scores do better than its own on EvoChart (48.1"
        " against 47.3), and the 7B model loses to its base on PlotQA (55.8 against"
        " 63.4).",
        "the paper's text, arXiv 2601.05688",
    ),
    Weakness(
        "gagpo",
        "A step whose state no other row of the group meets gets no credit: by its own"
        " count 33.7 % of the steps on WebShop and 44.5 % on ALFWorld. `gigpo`,"
        " `graphgpo` and `g2po` live by the same equality.",
        "secondary, of arXiv 2605.13217",
    ),
    Weakness(
        "c3",
        "The headline is a rank correlation with exhaustive credit of 0.26, against"
        " 0.15 for a shared critic: better, and low.",
        "secondary, of arXiv 2603.06859",
    ),
    Weakness(
        "scar",
        "That optimal policies stay is claimed for the shaping; it holds for the sum of"
        " the parts alone, since each part's worth depends on the whole row.",
        "its formulas, arXiv 2505.20417",
    ),
    Weakness(
        "hcapo",
        "The paper normalises `at step t`, its statistics are of all turns of the"
        " group; a replication with the policy in the denominator saw lengths run"
        " away.",
        "the paper's text, arXiv 2603.08754, and a replication's notes",
    ),
    Weakness(
        "red",
        "Three descriptions of its token reward contradict one another: differences of"
        " scores of prefixes, a probe on hidden states, attention.",
        "its first abstract, the survey, a list's note",
    ),
    Weakness(
        "spro",
        "The survey and a note that is often copied describe it as leaving steps out;"
        " its equations 11 to 13 do not.",
        "secondary, of arXiv 2507.01551",
    ),
    Weakness(
        "critical_actions",
        "Edges with one child are dropped and not paid 0, and whether there are N or"
        " N0 + N leaves is left open.",
        "the paper's text, arXiv 2512.04949",
    ),
    Weakness(
        "maxrl",
        "The authors' code pays a prompt's only row a million times its reward, and a"
        " negative mean turns all signs round; here both give 0.",
        "the authors' code, run",
    ),
    Weakness(
        "g2po",
        "Success is a reward of exactly 10, whatever the task pays, and long rows weigh"
        " more in two of its three means.",
        "the authors' code, run",
    ),
    Weakness(
        "tempo",
        "Padding is compared as tokens, so a row that has ended may go on in a branch;"
        " discount and decay are handed over and read by nothing.",
        "the authors' code, run",
    ),
    Weakness(
        "a2tgpo",
        "The code finds turns by equal advantages: two neighbours that tie become one.",
        "the code as it is quoted, arXiv 2605.06200",
    ),
    Weakness(
        "at2po",
        "Tokens that leaves share stand in the row of each, and count so often; leaves"
        " that are missing are filled up with copies of others.",
        "the authors' code, run",
    ),
    Weakness(
        "itpo",
        "Its baseline is called leave-one-out; with several turns it is not, and the"
        " batch's mean turn length couples the prompts.",
        "the authors' code, run",
    ),
    Weakness(
        "mt_grpo",
        "Rows that never used the tool are scored by the sum of both rewards, against"
        " rows that are scored by each apart.",
        "the authors' code, run",
    ),
    Weakness(
        "dr_mas",
        "An agent that speaks twice in a row counts twice in its own mean.",
        "the authors' code, run",
    ),
    Weakness(
        "ccpo",
        "The paper compares with the row's own outcome without the first agent, the"
        " code's default with the group's mean of them; where that is exactly 0 its"
        " event bonus pays nobody.",
        "the authors' code, run, and notes on arXiv 2603.21563",
    ),
    Weakness(
        "sharp",
        "What is called Shapley is one term, the rollout without the agent.",
        "secondary, of arXiv 2602.08335",
    ),
    Weakness(
        "m_grpo",
        "Rows of sub-agents are copied or dropped to a fixed number, and copies change"
        " means and deviations.",
        "secondary, of arXiv 2511.13288",
    ),
    Weakness(
        "",
        "SORL: three sources give three formulas of its normalisation and two of its"
        " ratio, so there is no row of it here.",
        "secondary, of arXiv 2511.20718",
    ),
)
