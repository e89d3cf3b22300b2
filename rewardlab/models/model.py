"""A language model as those see it who score with it."""

from typing import NamedTuple

from jaxtyping import Array, Float

from rewardlab.core.types import Rollout
from rewardlab.models import lm
from rewardlab.models.logprobs import (
    Predicted,
    TokenStats,
    completion_logprobs,
    completion_statistic,
)


class Model(NamedTuple):
    """What one set of parameters computes of completions that exist."""

    config: lm.LMConfig

    def log_probs(
        self,
        params: lm.Params,
        rollout: Rollout,
        temperature: float | Float[Array, ""] = 1.0,
        entropy: bool = False,
    ) -> TokenStats:
        """Of each completion token, in nats; rows lie prompt by prompt."""
        texts = _texts(rollout)
        return completion_logprobs(self.config, params, *texts, temperature, entropy)

    def statistic(
        self,
        params: lm.Params,
        rollout: Rollout,
        f: Predicted,
        temperature: float | Float[Array, ""] = 1.0,
    ) -> Float[Array, "N T"]:
        """f(logits / temperature, token) of each completion token, 0 on padding."""
        texts = _texts(rollout)
        return completion_statistic(self.config, params, texts, f, temperature)

    def states(
        self, params: lm.Params, rollout: Rollout, after: bool = False
    ) -> Float[Array, "N T W"]:
        """The hidden states before (or `after`) each completion token, as the head
        reads them."""
        return lm.states(self.config, params, *_texts(rollout), after)


def _texts(rollout: Rollout) -> tuple[Array, Array, Array, Array]:
    return rollout.prompts, rollout.prompt_mask, rollout.tokens, rollout.valid
