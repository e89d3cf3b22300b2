"""What training needs to know of a task."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from jaxtyping import Array

from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.data.columns import Columns, Episodes
from rewardlab.tasks.environment import Agents, Environment
from rewardlab.tasks.text_episodes import HostEnvironment
from rewardlab.text.tokenizers import Tokenizer


class Task(NamedTuple):
    """Problems, in tokens of a `tokenizer`, and what is true of completions of them.

    Task(CharTokenizer("0123456789+="), load)

    `load(split, data_dir, **difficulty)` gives the problems of a split, "train" or
    "test": columns with `prompts` [M, P], `prompt_mask` and a unique `id`, or a
    `Batch`.

    Whatever else there is may be left out. `score(rollout, columns)` takes the arrays
    of the batch's B prompts, is jitted, and adds `signals` to the rollout; without it
    scorers make them all. `segment(rollout)` says which tokens are one step, where not
    all of a completion are. `correct` [N] is the true outcome, 0 or 1, where a task has
    one. `demonstrations(columns, seed, length, **how)` are episodes to imitate; without
    them there is no warm-up. With an `environment` a completion is an episode of turns,
    and the environment makes the signals; `score` may add some. `scorers` is a sentence
    of those that judge its completions on the host. `of_data(data, tokenizer)` makes
    the task anew from the group `data` of a config, in tokens of the tokenizer or, for
    None, of its own.
    """

    tokenizer: Tokenizer
    load: Callable[..., "Columns | Batch"]
    completion_length: int = 64  # default T, in tokens
    signals: tuple[str, ...] = ()  # made by `score` or the environment
    facts: tuple[str, ...] = ()  # columns of text, for scorers to read
    score: Callable[[Rollout, dict[str, Array]], Rollout] | None = None
    segment: Callable[[Rollout], Rollout] | None = None
    demonstrations: Callable[..., Episodes] | None = None
    difficulty: Mapping[str, int] = {}  # keyword options of `load`, with defaults
    noise: Mapping[str, float] = {}  # likewise of `demonstrations`
    environment: Environment | None = None
    on_host: HostEnvironment | None = None  # one in Python, of the same name
    agents: Agents | None = None  # who take turns in an episode, if several do
    scorers: str = ""  # words that judge on the host: "exact('answer')"
    notes: tuple[str, ...] = ()  # what is worth saying of the problems
    of_data: Callable[[Mapping[str, Any], Tokenizer | None], "Task"] | None = None

    def scored(self, rollout: Rollout, columns: dict[str, Array]) -> Rollout:
        """The rollout with the signals of `score`; as it is where there is none."""
        return self.score(rollout, columns) if self.score else rollout
