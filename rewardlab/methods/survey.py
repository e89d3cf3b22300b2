"""What the survey of credit assignment (arXiv 2604.09459) says of methods, as data.

Its cells (v2, figure 2) and its rules of choice, with the names of rows here. A name
without a row is said to be without one wherever these are shown.
"""

from typing import NamedTuple

from rewardlab.methods.columns import CRITIC, GAME, INFORMATION, MONTE_CARLO, TD
from rewardlab.methods.units import AGENT, SEGMENT, TOKEN, TURN


class Cell(NamedTuple):
    """Where the survey has a method, and the row that is the method here."""

    method: str
    granularity: str
    methodology: str
    row: str  # a key of METHODS, if there is such a row
    differs: str = ""  # why the row stands elsewhere, where it does


CELLS = (
    Cell(
        "VinePPO",
        TOKEN,
        MONTE_CARLO,
        "vineppo",
        "values are asked before each turn, and all tokens of a turn are paid alike",
    ),
    Cell("RED", TOKEN, TD, "red"),
    Cell("T-REG", TOKEN, TD, "t_reg"),
    Cell("From r to Q*", TOKEN, GAME, "r_to_q"),
    Cell("SPO", SEGMENT, MONTE_CARLO, "spo_segment"),
    Cell(
        "TEMPO",
        SEGMENT,
        TD,
        "tempo",
        "its code takes a difference at every token; most are 0 between forks",
    ),
    Cell("SCAR", SEGMENT, GAME, "scar"),
    Cell("PURE", TURN, MONTE_CARLO, "pure"),
    Cell("GiGPO", TURN, MONTE_CARLO, "gigpo"),
    Cell(
        "SPRO",
        TURN,
        MONTE_CARLO,
        "spro",
        "every token is a step of its own in the formulas that we have",
    ),
    Cell("ArCHer", TURN, TD, "archer"),
    Cell("AgentPRM", TURN, TD, "agent_prm"),
    Cell("SPA-RL", TURN, TD, "spa_rl"),
    Cell("iStar", TURN, TD, "oprl"),
    Cell("Turn-PPO", TURN, TD, "turn_ppo"),
    Cell("SORL", TURN, TD, "sorl"),
    Cell("CAPO", TURN, CRITIC, "capo"),
    Cell("SWEET-RL", TURN, CRITIC, "sweet_rl"),
    Cell("HCAPO", TURN, CRITIC, "hcapo"),
    Cell("LaRe", TURN, CRITIC, "lare"),
    Cell("TARL", TURN, CRITIC, "tarl"),
    Cell("C3", TURN, GAME, "c3"),
    Cell(
        "CCPO", TURN, GAME, "ccpo", "agents are compared by role, over all their turns"
    ),
    Cell("IGPO", TURN, INFORMATION, "igpo"),
    Cell("CARL", TURN, INFORMATION, "critical_actions"),
    Cell(
        "HICRA",
        TURN,
        INFORMATION,
        "hicra",
        "the tokens of planning phrases are amplified, whatever turn they are in",
    ),
    Cell("ITPO", TURN, INFORMATION, "itpo"),
    Cell("M-GRPO", AGENT, MONTE_CARLO, "m_grpo"),
    Cell("LLM-MCA", AGENT, CRITIC, "llm_mca"),
    Cell("QLLM", AGENT, GAME, "qllm"),
    Cell("SHARP", AGENT, GAME, "sharp"),
)


MOST = float("inf")
ONE = (1, 1)


class Rule(NamedTuple):
    """Methods that the survey advises where all of its conditions hold."""

    when: str
    methods: dict[str, str]  # the survey's names, with rows
    turns: tuple[float, float] = (1, MOST)
    tokens: tuple[float, float] = (1, MOST)  # of a completion of one turn
    restarts: bool | None = None  # None: asks nothing of it
    helper: bool | None = None
    agents: bool | None = None
    note: str = ""


RULES = (
    Rule(
        "one turn of at most 5,000 tokens",
        {"GRPO": "grpo", "PURE": "pure", "SPO": "spo_segment", "SPRO": "spro"},
        turns=ONE,
        tokens=(1, 5_000),
    ),
    Rule(
        "one turn of more than 5,000 tokens",
        {"HICRA": "hicra", "CAPO": "capo", "SPRO": "spro"},
        turns=ONE,
        tokens=(5_001, MOST),
    ),
    Rule(
        "a budget for restarts",
        {"VinePPO": "vineppo", "SCAR": "scar"},
        restarts=True,
    ),
    Rule(
        "an agent of at most 30 turns, without a helper model",
        {
            "GiGPO": "gigpo",
            "CARL": "critical_actions",
            "iStar": "oprl",
            "POAD": "poad",
        },
        turns=(2, 30),
        helper=False,
        note="iStar learns an implicit reward model beside the policy and POAD a"
        " critic: the survey counts neither as a helper",
    ),
    Rule(
        "an agent of at most 30 turns, with a helper model",
        {"AgentPRM": "agent_prm", "SWEET-RL": "sweet_rl"},
        turns=(2, 30),
        helper=True,
    ),
    Rule(
        "an agent of more than 30 turns",
        {"C3": "c3", "CCPO": "ccpo", "HCAPO": "hcapo", "IGPO": "igpo"},
        turns=(31, MOST),
    ),
    Rule(
        "several agents",
        {"M-GRPO": "m_grpo", "SHARP": "sharp", "MAPPA": "mappa", "Dr. MAS": "dr_mas"},
        agents=True,
    ),
)
