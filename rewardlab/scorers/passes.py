"""Forward passes of a model over completions: log-probs, entropy, hidden states."""

from collections.abc import Callable
from typing import Any

from jaxtyping import Array

from rewardlab.core.types import Rollout
from rewardlab.scorers.protocol import Context, Scorer, Setting

Maker = Callable[[Setting], Scorer]


def reference(temperature: float | None = None, signal: str = "ref_logp") -> Maker:
    """ref_logp_t = log pi_ref(token t | prompt, tokens before), in nats.

    Under the parameters that training began with, at the temperature that is sampled
    at, or at one of your own: `reference(temperature=1, signal='base_logp')`.
    """

    def make(setting: Setting) -> Scorer:
        model = setting.models["reference"]
        at = setting.temperature if temperature is None else temperature

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            params = context.params["reference"]
            return {signal: model.log_probs(params, rollout, at).logp}

        name = "reference" if signal == "ref_logp" else f"reference_{signal}"
        roles = ("reference",)
        return Scorer(name, {signal: "NT"}, (), "shard", score, roles=roles)

    return make


def entropy() -> Maker:
    """entropy_t = -sum_v p_v log p_v of the policy's next-token distribution, nats."""

    def make(setting: Setting) -> Scorer:
        model = setting.models["policy"]

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            params = context.params["policy"]
            stats = model.log_probs(params, rollout, setting.temperature, whole=True)
            return {"entropy": stats.entropy}

        return Scorer("entropy", {"entropy": "NT"}, (), "shard", score)

    return make


def states() -> Maker:
    """hidden_t = what the policy's head reads to predict token t, [N, T, W]."""

    def make(setting: Setting) -> Scorer:
        model = setting.models["policy"]

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            return {"hidden": model.states(context.params["policy"], rollout)}

        provides = {"hidden": "NTW"}
        return Scorer("states", provides, (), "shard", score, private=("hidden",))

    return make


def states_after() -> Maker:
    """hidden_after_t = the policy's hidden state that has read token t, [N, T, W].

    The one at the last token of a row has read the whole of it.
    """

    def make(setting: Setting) -> Scorer:
        model = setting.models["policy"]

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            found = model.states(context.params["policy"], rollout, after=True)
            return {"hidden_after": found}

        provides, private = {"hidden_after": "NTW"}, ("hidden_after",)
        return Scorer("states_after", provides, (), "shard", score, private=private)

    return make
