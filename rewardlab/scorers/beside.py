"""Language models of a scorer's own, which learn beside the policy."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rewardlab.models import lm, lora
from rewardlab.models.model import Model
from rewardlab.scorers.protocol import Context, Setting

# Models beside the policy that a run makes where `config.models` names none: their
# steps of warm-up, as multiples of the policy's own.
BESIDE = {"teacher": 2.0, "strong": 2.0, "weak": 0.2}


class Own(NamedTuple):
    """A model that a scorer trains.

    `init` and `roles` are those of its `Scorer`; `whole(state, context)` are the
    parameters to read with, in `score` and, of what is trained, in the loss of its fit.
    """

    model: Model
    init: Callable[[Context, Any], lm.Params]
    roles: tuple[str, ...]
    whole: Callable[[lm.Params, Context], lm.Params]


def own_model(setting: Setting, start: str = "policy") -> Own:
    """A language model for a scorer to train, of the shape of what it starts as.

    `start` is "policy", the policy as training began, "fresh", its shape with weights
    of no training, or another role. Where the policy trains adapters, so does this:
    they are its state, and the weights that they are added to lie there once for all.

        own = own_model(setting)

        def score(state, context, rollout, batch):
            params = own.whole(state, context)
            return {"prm_logp": own.model.log_probs(params, rollout).logp}

        Scorer(name, provides, reads, "shard", score, own.init, fit, roles=own.roles)
    """
    role = "reference" if start == "policy" else start
    if start == "fresh":
        model = setting.models["policy"]
        fresh = lambda context, _: lm.init(model.config, context.key)  # noqa: E731
        return Own(model, fresh, (), lambda state, _: state)
    model = setting.models[role]
    if setting.lora is not None:
        config = dataclasses.replace(model.config, lora=setting.lora)
        return Own(
            Model(config),
            lambda context, _: lora.init(config, context.key),
            (role,),
            lambda state, context: lora.join(context.params[role], state),
        )

    def copied(context: Context, shapes: Any) -> lm.Params:
        # When a state begins, the policy is the one that training begins with.
        return jax.tree.map(jnp.copy, context.params[start])

    roles = () if start == "policy" else (role,)
    return Own(model, copied, roles, lambda state, _: state)
