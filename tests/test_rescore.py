"""A run's kept rollouts under another sentence: what comes back, and what differs."""

import json

import jax
import numpy as np
import pytest
from kept import OWN, said, short

import rewardlab
from rewardlab.runs.bundle import bundles, read_bundle, write_bundle
from rewardlab.runs.training import train
from rewardlab.show.rescore.apart import apart, change_of_rows, ranks_of


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "own"
    train(short(), workdir)
    return workdir


def test_what_is_kept_is_what_the_run_had(run):
    """Beside the completions of step 1, which are written by another way."""
    files = bundles(run)
    assert list(files) == [1, 2, 4]
    kept = read_bundle(files[1])
    page = (run / "completions" / "completions_00001.jsonl").read_text()
    lines = [json.loads(line) for line in page.splitlines()]
    rollout = kept.rollout
    for n, line in enumerate(lines):
        valid = rollout.valid[n]
        assert line["tokens"] == rollout.tokens[n][valid].tolist()
        assert line["texts"] == kept.texts.pieces[n]
        for name, x in (("logp", rollout.logp), ("advantage", kept.worth.advantage)):
            np.testing.assert_array_equal(np.float32(line[name]), x[n][valid])
    assert {"correct", "prm", "prm_valid"} <= set(rollout.signals)
    assert kept.words == tuple(OWN.split(" | "))
    record = json.loads((run / "config.json").read_text())
    assert kept.config == {k: x for k, x in record.items() if k != "history"}
    assert len(set(kept.problem.tolist())) == 4 and kept.problem.max() < 64
    # The state before a step: nothing seen before the first, then two batches of four.
    seen = [read_bundle(file).state["2.count"] for file in files.values()]
    assert seen[0] == 0 < seen[1] < seen[2]


def test_the_runs_own_sentence_gives_the_advantages_it_had(run):
    for given in ("", OWN):
        found = rewardlab.rescore(run, given)
        assert found.own and found.anew == ()
        assert (found.learned, found.written) == (0, 0)
        for step in found.steps:
            had, would = step.kept.worth, step.worth
            np.testing.assert_array_equal(had.advantage, would.advantage)
            np.testing.assert_array_equal(had.reward, would.reward)
        assert all(np.abs(x.worth.advantage).max() > 0 for x in found.steps)
    (row, *_, every) = found.table
    assert (row.name, every.name, every.change, every.opposite) == ("1", "all", 0, 0)
    (one,) = rewardlab.rescore(run, step=4).steps  # from the state in the bundle alone
    assert one.kept.step == 4
    np.testing.assert_array_equal(one.worth.advantage, would.advantage)


def test_another_sentence_is_what_its_equation_says(run):
    """Each row's mean step score less its prompt's mean, in float64."""
    other = (
        "process('prm') | episode_return() | center_by_group() | broadcast_to_tokens()"
    )
    for step in rewardlab.rescore(run, other).steps:
        rollout = step.kept.rollout
        total = np.zeros(len(rollout.mask))
        heard = np.zeros(len(rollout.mask), bool)
        for n, own in enumerate(rollout.mask):
            for s in set(rollout.step[n][own].tolist()):
                if rollout.signals["prm_valid"][n, s]:
                    total[n] += np.float64(rollout.signals["prm"][n, s])
                    heard[n] = True
        expected = np.zeros(rollout.mask.shape)
        for n, own in enumerate(rollout.mask):
            group = heard & (rollout.group == rollout.group[n])
            if heard[n]:
                expected[n][own] = total[n] - total[group].mean()
        np.testing.assert_allclose(step.worth.advantage, expected, atol=1e-6)
        reward = np.where(heard, total, np.nan)
        np.testing.assert_allclose(step.worth.reward, reward, atol=1e-6)


def test_a_state_is_the_runs_own_as_far_as_its_words_are(run):
    same = OWN.replace("by_group()", "by_group(leave_one_out=True)")
    found = rewardlab.rescore(run, same)
    assert not found.own and found.anew == ()
    for step in found.steps:
        (_, (word, ours)), (_, (_, theirs)) = (
            step.worth.stages[1:3],
            step.kept.worth.stages[1:3],
        )
        assert word == "standardize_by_history()"
        jax.tree.map(np.testing.assert_array_equal, ours, theirs)
    other = OWN.replace("standardize", "clip_reward(0.15) | standardize")
    found = rewardlab.rescore(run, other)
    assert found.anew == ("standardize_by_history()",)
    # It goes from each kept step to the next, also where one step alone is shown.
    (one,) = rewardlab.rescore(run, other, step=4).steps
    np.testing.assert_array_equal(one.worth.advantage, found.steps[-1].worth.advantage)


def test_numbers_of_bare_names(run):
    half = "process('prm') | clip_reward(eta) | returns_to_go() | center_by_group()"
    (two,) = rewardlab.rescore(run, half, 4, eta=0.5).steps
    (same,) = rewardlab.rescore(run, half.replace("eta", "0.5"), 4).steps
    np.testing.assert_array_equal(two.worth.advantage, same.worth.advantage)
    with pytest.raises(ValueError, match="no number 'tau'; leave it out"):
        rewardlab.rescore(run, half, eta=0.5, tau=1)
    with pytest.raises(ValueError, match="eta"):
        rewardlab.rescore(run, half)


def test_the_command(run, capsys, monkeypatch, tmp_path):
    out = said(capsys, monkeypatch, run)
    gives = "the run's own sentence gives the advantages it had, to the bit"
    assert gives in " ".join(out.split()) and "3 kept steps" in out
    out = said(capsys, monkeypatch, run, "--reward", "rloo", "--step", 2, "--row", 5)
    assert "row 5 of prompt 1" in out and "highest-paid wrong" in out
    said(capsys, monkeypatch, run, "--reward=rloo", "--html", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "outcome(&#39;correct&#39;)" in page and "<script" not in page
    assert "as it would be" in page
    for wrong, sentence in {
        ("--step", 3): f"{run} kept no rollout of step 3; give one of 1, 2, 4",
        ("--row", 99): "step 4 learned from no row 99",
        ("--reward", "process('hop') | whiten()"): "reads the signal 'hop', which step",
        ("--reward", "process('value') | whiten()"): '--config.scorers="critic()"',
    }.items():
        assert sentence in said(capsys, monkeypatch, run, *wrong, status=2)
    nothing = said(capsys, monkeypatch, tmp_path, status=2)
    assert "kept no rollouts; train with --config.log.bundle_every" in nothing


def test_a_file_that_is_no_bundle_is_one_sentence(run, tmp_path):
    whole = bundles(run)[1].read_bytes()
    file = tmp_path / "bundle" / "bundle_00001.npz"
    file.parent.mkdir()
    (tmp_path / "again").mkdir()
    rng = np.random.default_rng(0)
    for content in (b"", b"hello", whole[: len(whole) // 2], whole[:-30]):
        file.write_bytes(content)
        with pytest.raises(ValueError, match="bundle_00001.npz is damaged"):
            rewardlab.rescore(tmp_path)
    told = 0
    for place in rng.integers(0, len(whole), 60):
        byte = bytes([whole[place] ^ 0x55])
        file.write_bytes(whole[:place] + byte + whole[place + 1 :])
        try:
            kept = read_bundle(file)
        except ValueError as error:
            assert "bundle_00001.npz is damaged" in str(error)
            told += 1
        else:  # of what the archive says twice
            assert write_bundle(tmp_path / "again", kept).read_bytes() == whole
    assert told > 40
    file.write_bytes(whole)
    with np.load(file) as held:
        arrays = {name: held[name] for name in held.files}
    head = json.loads(arrays["head"].tobytes()) | {"schema": 9}
    arrays["head"] = np.frombuffer(json.dumps(head).encode(), np.uint8)
    np.savez(file, **arrays)
    with pytest.raises(ValueError, match="is of schema 9 and this version reads 1"):
        rewardlab.rescore(tmp_path)


def test_measures_by_hand(run):
    """Of advantages and rewards that are put in the place of those of a step."""
    (step,) = rewardlab.rescore(run, step=1).steps
    mask = np.zeros(step.kept.rollout.mask.shape, bool)
    mask[0, :3] = mask[1, 0] = True
    had, would = np.zeros(mask.shape), np.zeros(mask.shape)
    had[mask], would[mask] = [1, -2, 0, 1], [2, 2, 1, 1]
    had[2, 0] = np.nan  # of no token of the policy
    kept = np.any(mask, axis=1)
    paid = np.full(len(mask), np.nan)
    paid[:2] = [0.5, 1.0]
    right = np.zeros(len(mask))
    right[0] = 1
    rollout = step.kept.rollout.with_signals(correct=right)
    rollout = rollout.__class__(**{**vars(rollout), "mask": mask})
    worth = step.worth._replace(kept=kept, reward=paid)
    had_, would_ = (
        worth._replace(advantage=x, reward=y) for x, y in ((had, paid), (would, -paid))
    )
    one = step._replace(
        kept=step.kept._replace(rollout=rollout, worth=had_), worth=would_
    )
    found = apart("x", [one])
    assert found.reward == (0.75, -0.75) and found.ordered == (0, 1)
    assert (found.opposite, found.one_alone) == (0.25, 0.25)
    assert (found.change, found.size) == (6 / 4, 1)
    np.testing.assert_allclose(found.rewards, -1)
    np.testing.assert_allclose(
        found.advantages, np.corrcoef([1, -2, 0, 1], [2, 2, 1, 1])[0, 1]
    )
    units = np.sqrt(6 / 4), np.sqrt(10 / 4)
    a, b = np.array([1, -2, 0, 1]) / units[0], np.array([2, 2, 1, 1]) / units[1]
    change = change_of_rows(one)
    np.testing.assert_allclose(change[:2], [np.abs(b - a)[:3].mean(), abs(b[3] - a[3])])
    assert not change[2:].any()
    assert ranks_of(np.array([1, np.nan, 3, 1])).tolist() == [2, 0, 1, 2]
