"""Golden files: the papers' own numbers, in float64 and float32.

Files lie in `tests/golden`, or in the folder that REWARDLAB_GOLDEN names. The summary
at the end of a run counts what passed, what has no adapter and what differs on purpose.
"""

import json
import os
from pathlib import Path

import jax
import numpy as np
import pytest
from golden_adapters import ADAPTERS, LOOSE_32, LOOSE_64, NAN_IS, NOT_THE_METHOD
from golden_adapters.common import NoAdapter

FOLDER = Path(os.environ.get("REWARDLAB_GOLDEN", Path(__file__).parent / "golden"))
FILES = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
CASES = [(name, i) for name in sorted(FILES) for i in range(len(FILES[name]["cases"]))]

THIRD = set(sorted(FILES)[::3])
NARROW = [
    pytest.param(name, i, marks=[] if i == 0 and name in THIRD else [pytest.mark.slow])
    for name, i in CASES
    if name in ADAPTERS
]


def test_every_adapter_has_its_file():
    """An adapter whose file is gone would never run."""
    assert FILES, f"no golden files in {FOLDER}"
    missing = sorted(set(ADAPTERS) - set(FILES))
    assert not missing or "REWARDLAB_GOLDEN" in os.environ, missing


@pytest.mark.parametrize(("name", "i"), CASES, ids=lambda x: str(x))
def test_golden(name, i, record_property):
    """One case of one file, in float64."""
    record_property("golden", name)
    adapt = ADAPTERS.get(name)
    if adapt is None:
        record_property("verdict", "no adapter")
        return
    case, hyper = FILES[name]["cases"][i], FILES[name].get("hyper", {})
    try:
        with jax.enable_x64(True):
            got = adapt(case["inputs"], hyper)
            differs = _compare(name, case["outputs"], got, 1e-9, 1e-9, LOOSE_64)
    except NoAdapter as reason:
        record_property("verdict", "no adapter")
        record_property("why", str(reason))
        return
    if differs:
        record_property("verdict", "differs")
        record_property("why", NAN_IS[name])


@pytest.mark.parametrize(("name", "i"), NARROW, ids=lambda x: str(x))
def test_golden_in_float32(name, i):
    """The precision of a run: one case of every third file, the others are slow."""
    case, hyper = FILES[name]["cases"][i], FILES[name].get("hyper", {})
    try:
        got = ADAPTERS[name](case["inputs"], hyper)
    except NoAdapter:
        return  # `test_golden` counts it
    _compare(name, case["outputs"], got, 1e-5, 1e-6, LOOSE_32)


def _is_text(x):
    """Whether it is a word, or a list with one, that is no number."""
    words = [w for w in (x if isinstance(x, list) else [x]) if isinstance(w, str)]
    try:
        return any(np.isnan(float(w)) and w != "nan" for w in words)
    except ValueError:
        return True


def _array(x):
    """As an array; rows of different lengths are padded with infinity."""
    rows = x if isinstance(x, list) else []
    if any(isinstance(r, (list, np.ndarray)) for r in rows):
        width = max(len(r) for r in rows)
        if any(len(r) != width for r in rows):
            return np.array([[*r, *[np.inf] * (width - len(r))] for r in rows], float)
    return x if isinstance(x, np.ma.MaskedArray) else np.asarray(x, float)


def _compare(name, expected, got, rtol, atol, loose, path=""):
    """Asserts that outputs agree; True where ours is a number for a NaN of theirs."""
    loosened = loose.get(name, (0.0,))[0]
    rtol, atol = max(rtol, loosened), max(atol, min(loosened, 1e-6))
    differs = False
    for key, want in expected.items():
        if key.startswith(NOT_THE_METHOD) or key.endswith("_logged"):
            continue
        assert key in got, f"{name}: the adapter gives no {path}{key}"
        if isinstance(want, dict):
            differs |= _compare(name, want, got[key], rtol, atol, loose, f"{key}.")
            continue
        if isinstance(want, list) and want and isinstance(want[0], dict):
            assert len(want) == len(got[key]), f"{path}{key}"
            for i, (one, ours) in enumerate(zip(want, got[key], strict=True)):
                differs |= _compare(name, one, ours, rtol, atol, loose, f"{key}.{i}.")
            continue
        if _is_text(want):
            assert got[key] == want, f"{path}{key}"
            continue
        want, have = _array(want), np.ma.asarray(_array(got[key]), float)
        assert want.shape == have.shape, (f"{path}{key}", want.shape, have.shape)
        compared = ~np.ma.getmaskarray(have)
        have = np.asarray(have)
        ours = np.isnan(want) & ~np.isnan(have)
        assert not ours.any() or name in NAN_IS, f"{path}{key} is NaN there"
        differs |= bool(ours.any())
        compared &= ~ours
        same = {"rtol": rtol, "atol": atol, "err_msg": f"{path}{key}"}
        np.testing.assert_allclose(have[compared], want[compared], **same)
    return differs
