"""Conversations in Python: messages by a chat template, ids as they were written."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from folders import tokenizer_folder

from rewardlab.models import lm
from rewardlab.rollouts import End, Sampling, rollout_episodes_on_host
from rewardlab.tasks.environment import Limits, TextEnvironment, Turn
from rewardlab.tasks.text_episodes import HostEnvironment
from rewardlab.tasks.verifiers_text import verifiers_text
from rewardlab.text.folder import read_tokenizer
from rewardlab.text.tokenizers import CharTokenizer
from rewardlab.text.turns import between_turns

PROMPT = [{"role": "user", "content": "Guess."}]
NO = [{"role": "user", "content": "No."}]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return read_tokenizer(tokenizer_folder(tmp_path_factory.mktemp("folder")))


def limits(tokenizer):
    (turn_end,) = tokenizer.eos_ids
    return Limits(turn_end, max_turns=3, action_length=4, observation_length=60)


def played(tokenizer, environment, outcomes, columns):
    """Two episodes of each of two prompts, of a policy that knows nothing."""
    world = HostEnvironment(environment, limits(tokenizer), tokenizer, (), outcomes)
    size = tokenizer.vocab_size
    config = lm.LMConfig(size, 1, 32, num_heads=2, num_kv_heads=2, head_dim=16, ffn=32)
    params = lm.init(config, jax.random.key(0))
    ids = tokenizer.encode(tokenizer.chat(PROMPT))
    columns = {
        "prompts": jnp.tile(jnp.array(ids, jnp.int32), (2, 1)),
        "prompt_mask": jnp.ones((2, len(ids)), bool),
        "id": jnp.arange(2),
        **columns,
    }
    # An end of a turn is likely, so that some turns end with it and some do not.
    bias = jnp.zeros(size).at[limits(tokenizer).turn_end].set(4.0)
    apply = lm.bind(config)

    def biased(params, tokens, cache, **options):
        logits, cache = apply(params, tokens, cache, **options)
        return logits + bias, cache

    options = Sampling(2, 160, eos_ids=(), pad_id=tokenizer.pad_id)
    case = (biased, params, columns, jax.random.key(1), 0, options, world)
    return jax.tree.map(np.asarray, rollout_episodes_on_host(*case))


def test_a_row_is_what_was_written_and_what_the_template_adds(tokenizer):
    heard = []

    def step(state, action):
        heard.append(action)
        return Turn(state, NO, False, {})

    environment = TextEnvironment(lambda facts: 0, step, lambda state: {})
    rollout = played(tokenizer, environment, (), {})
    turn_end, kinds = limits(tokenizer).turn_end, set()
    assert (rollout.signals["ended_by"] == End.TURNS).all()
    for ids, mask, step in zip(rollout.tokens, rollout.mask, rollout.step, strict=True):
        for turn in range(2):
            action = ids[mask & (step == turn)].tolist()
            seen = ids[~mask & (step == turn)].tolist()
            ended = action[-1] == turn_end
            said = between_turns(tokenizer, NO, turn_end, ended)
            assert seen == tokenizer.encode(said)
            assert tokenizer.decode(action[:-1] if ended else action) in heard
            kinds.add(ended)
    assert kinds == {True, False}


def test_between_turns_is_what_the_whole_conversation_has_there(tokenizer):
    (turn_end,) = tokenizer.eos_ids
    before = [*PROMPT, {"role": "assistant", "content": "7"}]
    whole = tokenizer.chat([*before, *NO])
    written = tokenizer.chat(PROMPT) + "7" + tokenizer.decode([turn_end])
    assert whole == written + between_turns(tokenizer, NO, turn_end)
    cut_off = between_turns(tokenizer, NO, turn_end, ended=False)
    assert cut_off == tokenizer.decode([turn_end]) + between_turns(
        tokenizer, NO, turn_end
    )


def test_what_no_template_can_say_is_one_sentence(tokenizer):
    (turn_end,) = tokenizer.eos_ids
    with pytest.raises(ValueError, match="need a tokenizer with a chat template"):
        between_turns(CharTokenizer("ab"), NO, 1)
    with pytest.raises(ValueError, match="turn_end=5 is .*; let turn_end be the id"):
        between_turns(tokenizer, NO, 5)
    with pytest.raises(ValueError, match="no tools here"):
        between_turns(tokenizer, [{"role": "tool", "content": ""}], turn_end)


class Guessing:
    """An environment with the interface of verifiers, its rubric too."""

    def __init__(self):
        self.rubric = self

    async def setup_state(self, state):
        state["secret"] = int(state["answer"])

    async def is_completed(self, state):
        return len(state["trajectory"]) >= 2

    async def env_response(self, messages, state):
        assert messages[0] == PROMPT[0] and messages[-1]["role"] == "assistant"
        assert messages == [*state["prompt"], *state["completion"]]
        return [{"role": "user", "content": f"Not {state['secret']}."}]

    async def score_rollout(self, state):
        turns = sum(m["role"] == "assistant" for m in state["completion"])
        state["metrics"] = {"turns_taken": float(turns)}
        state["reward"] = float(state["secret"])


def test_an_environment_of_verifiers_plugs_in(tokenizer):
    outcomes = ("reward", "turns_taken")
    facts = {"prompts_": [PROMPT] * 2, "answer": ["3", "5"]}
    environment = verifiers_text(Guessing())
    plain = environment._replace(
        reset=lambda row: environment.reset({**row, "prompts": row["prompts_"]})
    )
    rollout = played(tokenizer, plain, outcomes, facts)
    assert (rollout.signals["ended_by"] == End.DONE).all()
    np.testing.assert_array_equal(rollout.signals["reward"], [3, 3, 5, 5])
    np.testing.assert_array_equal(rollout.signals["turns_taken"], 2)
    shown = tokenizer.decode(rollout.tokens[2][rollout.valid[2]].tolist())
    assert "<|im_start|>user\nNot 5.<|im_end|>\n<|im_start|>assistant\n" in shown
