"""A language model as those see it who score with it."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rewardlab.core.evaluations import evaluated
from rewardlab.core.types import Rollout
from rewardlab.models import lm
from rewardlab.models.logprobs import (
    Predicted,
    TokenStats,
    completion_logprobs,
    completion_statistic,
    prompt_statistic,
    statistic_of_two,
)


class Model(NamedTuple):
    """What one set of parameters computes of completions that exist."""

    config: lm.LMConfig

    @property
    def apply(self) -> lm.Apply:
        """What samples of it: the same object each time."""
        return lm.bind(self.config)

    def log_probs(
        self,
        params: lm.Params,
        rollout: Rollout,
        temperature: float | Float[Array, ""] = 1.0,
        whole: bool = False,
        ids: Int[Array, "N T K"] | None = None,
    ) -> TokenStats:
        """Of each completion token, in nats; rows lie prompt by prompt."""
        texts = _texts(params, rollout)
        return completion_logprobs(self.config, params, *texts, temperature, whole, ids)

    def log_probs_to_end(
        self,
        params: lm.Params,
        rollout: Rollout,
        token: int,
        temperature: float | Float[Array, ""] = 1.0,
        whole: bool = False,
        ids: Int[Array, "N T K"] | None = None,
    ) -> TokenStats:
        """As `log_probs`, with that of `token`, had it come after the end of each row.

        In the same pass, which is a column wider.
        """
        width = rollout.tokens.shape[1]
        length = jnp.sum(rollout.valid, axis=1, keepdims=True)
        after = jnp.pad(rollout.tokens, ((0, 0), (0, 1)))
        after = jnp.where(jnp.arange(width + 1) == length, token, after)
        valid = jnp.pad(rollout.valid, ((0, 0), (1, 0)), constant_values=True)
        more = None if ids is None else jnp.pad(ids, ((0, 0), (0, 1), (0, 0)))
        _counted(params, rollout)
        texts = (rollout.prompts, rollout.prompt_mask, after, valid)
        case = (self.config, params, *texts, temperature, whole, more)
        found = completion_logprobs(*case)
        inside = lambda x: jnp.where(rollout.valid, x[:, :width], 0)  # noqa: E731
        end = jnp.take_along_axis(found.logp, length, axis=1)[:, 0]
        own = map(inside, (found.logp, found.entropy, found.uniform))
        logp, entropy, uniform = own
        among = found.among if ids is None else jnp.asarray(found.among)[:, :width]
        return TokenStats(logp, entropy, end, uniform, among)

    def statistic(
        self,
        params: lm.Params,
        rollout: Rollout,
        f: Predicted,
        temperature: float | Float[Array, ""] = 1.0,
    ) -> Float[Array, "N T"]:
        """f(logits / temperature, token) of each completion token, 0 on padding."""
        texts = _texts(params, rollout)
        return completion_statistic(self.config, params, texts, f, temperature)

    def beside(
        self,
        params: lm.Params,
        other: "Model",
        others: lm.Params,
        rollout: Rollout,
        f: Callable[[Array, Array], Array],
        temperature: float | Float[Array, ""] = 1.0,
    ) -> Float[Array, "N T"]:
        """f(logits, the other's logits) of each completion token, 0 on padding."""
        configs, both = (self.config, other.config), (params, others)
        _counted(others, rollout)  # each of them reads the texts
        return statistic_of_two(configs, both, _texts(params, rollout), f, temperature)

    def together(
        self,
        params: lm.Params,
        rollout: Rollout,
        f: Callable[[Array, Array], Array],
        temperature: float | Float[Array, ""] = 1.0,
    ) -> Float[Array, "B T"]:
        """f(logits [..., G, V] / temperature, mask [..., G]) of a prompt's rows."""
        texts, mask = _texts(params, rollout), rollout.mask
        return prompt_statistic(self.config, params, texts, f, mask, temperature)

    def states(
        self, params: lm.Params, rollout: Rollout, after: bool = False
    ) -> Float[Array, "N T W"]:
        """The hidden states before (or `after`) each completion token, as the head
        reads them."""
        return lm.states(self.config, params, *_texts(params, rollout), after)

    def last_attention(
        self, params: lm.Params, rollout: Rollout
    ) -> Float[Array, "N T"]:
        """How much the last token of a row looks at each of it, in the last layer."""
        at = jnp.maximum(jnp.sum(rollout.valid, axis=1) - 1, 0)
        return lm.looks(self.config, params, _texts(params, rollout), at)

    def inner(
        self, params: lm.Params, rollout: Rollout, depths: tuple[float, ...]
    ) -> Float[Array, "N T K W"]:
        """What leaves the layers at these shares of the depth, the token being read.

        Of two layers 0.25, 0.5 and 0.75 are the first and the second: none twice.
        """
        layers = {max(1, math.ceil(x * self.config.num_layers)) for x in depths}
        return lm.inner(
            self.config, params, _texts(params, rollout), tuple(sorted(layers))
        )


def _texts(params: lm.Params, rollout: Rollout) -> tuple[Array, Array, Array, Array]:
    _counted(params, rollout)
    return rollout.prompts, rollout.prompt_mask, rollout.tokens, rollout.valid


def _counted(params: lm.Params, rollout: Rollout) -> None:
    """One pass over the texts: a prompt is read once for all its completions."""
    texts, prompts = rollout.tokens, rollout.prompts
    of = (texts, prompts, jax.tree.leaves(params)[0])
    evaluated("forwards", texts.shape[0], texts.size + prompts.size, of)
