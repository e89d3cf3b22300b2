"""How each of two agents rates what both have done: a small rater, asked as either."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.types import Rollout, Static, Sum
from rewardlab.models import lm
from rewardlab.models.model import Model
from rewardlab.reward_models.judging import grade
from rewardlab.scorers.asking import answered, completion, form_of, joined, question
from rewardlab.scorers.lessons import Judging, Lesson, cross_entropy, learning, silent
from rewardlab.scorers.measured import labels
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting

SHARES = "?|1|2|3|4|5|6|7|8|9"  # tenths that agent 0 has of the credit
ASKED = ("an", "ay", "bn", "by")  # which agent rates, and whether the outcome is right


def ratings(
    truth: str = "attempt",
    warmup: Static[int] = 40,
    frozen: Static[bool] = False,
    lr: float = 1e-3,
    form: str = SHARES,
) -> Maker:
    """`self_rating`, `peer_rating` [N, S]: the share of the credit that the agent of a
    turn gives to itself, and that the other one gives to it, in 0.1 to 0.9.

    A rater model reads question, episode, a letter for the agent it is asked as, one
    for the verdict and a marker; the share of agent 0 is its expectation over the nine
    answers, one token each. Of a wrong outcome it is the share of the blame. It learns
    by cross entropy of what each agent got right, by the signal `truth` of turns: a_m,
    the mean over its turns, gives a_0 / (a_0 + a_1), and 1 - a_m in the place of a_m
    where the outcome is wrong; 1/2 where both are 0. For two agents, by the signal
    `agent`. (SEPO, in the code of CCPO, arXiv 2603.21563, where both agents rate in
    writing)

    ratings(): a right outcome of agents with 1 of 2 and 2 of 2 turns right -> 1/3
    """

    def make(setting: Setting) -> Scorer:
        def read(model: Model, params: lm.Params, rollout: Rollout) -> Array:
            known, encode = form_of(form, setting.tokenizer), setting.tokenizer.encode
            endings = [(*encode(letters), *known.marker) for letters in ASKED]
            prompt = joined(question(rollout), completion(rollout))
            found = answered(model, params, prompt, known.answers, endings)
            right = (rollout.signal("correct") > 0.5).astype(jnp.int32)
            pairs = found.reshape(len(right), 2, 2, -1)  # by agent and outcome
            told = jnp.take_along_axis(pairs, right[:, None, None, None], axis=2)
            return told[:, :, 0]

        def ask(
            model: Model, params: lm.Params, context: Context, rollout: Rollout
        ) -> dict[str, Array]:
            first = 0.1 + 0.8 * grade(read(model, params, rollout))  # by each rater
            return _of_turns(first, rollout, truth)

        def teach(model: Model, params: lm.Params, rollout: Rollout) -> Sum:
            share, there = _rated(rollout, truth)
            label = (jnp.clip(share, 0.1, 0.9) - 0.1) / 0.8
            place = form_of(form, setting.tokenizer).place(label)
            both = lambda x: jnp.stack([x, x], axis=1)  # noqa: E731
            case = both(place), both(label), both(there)
            return cross_entropy(read(model, params, rollout), *case)

        names = ("self_rating", "peer_rating")
        provides = {name: "NS" for name in (*names, *(f"{x}_valid" for x in names))}
        blank = silent("ratings", provides, (truth, "agent", "correct"))
        tell = lambda rollout: _error(rollout, truth)  # noqa: E731
        lesson = Lesson(warmup, frozen, lr)
        return learning(setting, blank, lesson, Judging(ask, teach, tell))

    return make


def _of_turns(
    first: Float[Array, "N 2"], rollout: Rollout, truth: str
) -> dict[str, Array]:
    """Of each turn the share of its agent, by itself and by the other; `first` is the
    share of agent 0 by either."""
    who = rollout.signal("agent")
    by = lambda rater: jnp.take_along_axis(first, rater, axis=1)  # noqa: E731
    own = lambda share: jnp.where(who == 0, share, 1 - share)  # noqa: E731
    there = _rated(rollout, truth)[1][:, None] & (who >= 0)
    found = {"self_rating": own(by(who)), "peer_rating": own(by(1 - who))}
    return found | {f"{name}_valid": there for name in found}


def _error(rollout: Rollout, truth: str) -> dict[str, Sum]:
    """How far ratings of one's own turns are from what they learn."""
    share, there = _rated(rollout, truth)
    said, who = rollout.signal("self_rating"), rollout.signal("agent")
    due = jnp.where(who == 0, share[:, None], 1 - share[:, None])
    heard = there[:, None] & masked.speaks(rollout, "agent")
    return {"error": masked.sum_of(jnp.abs(said - due), heard)}


def _rated(
    rollout: Rollout, truth: str
) -> tuple[Float[Array, " N"], Bool[Array, " N"]]:
    """The share of agent 0 in the credit, or the blame, and the rows of which there is
    one: those with a verdict and turns of both."""
    value, there = labels(rollout, truth)
    who = rollout.signal("agent")
    agents = [there & (who == m) for m in (0, 1)]
    right, known = masked.heard(rollout, "correct")
    each = [masked.row_mean(value, turns) for turns in agents]
    part = [jnp.where(right > 0.5, a, 1 - a) for a in each]
    whole = part[0] + part[1]
    share = jnp.where(whole > 0, part[0] / jnp.where(whole > 0, whole, 1), 0.5)
    return share, known & jnp.any(agents[0], axis=1) & jnp.any(agents[1], axis=1)
