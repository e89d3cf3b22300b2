"""A language model as those see it who score with it."""

from typing import NamedTuple

from jaxtyping import Array, Float

from rewardlab.core.types import Rollout
from rewardlab.models import lm
from rewardlab.models.logprobs import Predicted, TokenStats, along, completion_logprobs


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
        return completion_logprobs(
            lm.bind_forward_completions(self.config),
            params,
            rollout.prompts,
            rollout.prompt_mask,
            rollout.tokens,
            rollout.valid,
            temperature,
            entropy,
        )

    def statistic(
        self,
        params: lm.Params,
        rollout: Rollout,
        f: Predicted,
        temperature: float | Float[Array, ""] = 1.0,
    ) -> Float[Array, "N T"]:
        """f(logits / temperature, token) of each completion token, 0 on padding."""
        tokens, valid = rollout.tokens, rollout.valid
        asked = rollout.prompts, rollout.prompt_mask, tokens, valid
        logits = lm.bind_forward_completions(self.config)(params, *asked)
        return along(lambda x, at: f(x / temperature, at), logits, tokens, valid)

    def states(self, params: lm.Params, rollout: Rollout) -> Float[Array, "N T W"]:
        """The hidden states before each completion token, as the head reads them."""
        asked = rollout.prompts, rollout.prompt_mask, rollout.tokens, rollout.valid
        return lm.bind_states(self.config)(params, *asked)
