"""What docs/trust.md says: which files run code, and that the others cannot."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from rewardlab import build, resolve
from rewardlab.rules import expression

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "rewardlab").rglob("*.py"))
RUNS_CODE = {"eval", "exec", "compile", "__import__", "execfile"}
PICKLES = r"^\s*(import|from) (pickle|dill|cloudpickle|shelve|marshal)"
# The doors through which code of others comes in, and no more of them.
IMPORTS = {
    "launch/arms.py": "spec_from_file_location",
    "launch/configs.py": "spec_from_file_location",
    "core/lookup.py": "import_module",
}
# Modules of ours, of JAX and of extras, by name.
OWN = ("__init__.py", "__main__.py", "caches.py", "ray_cluster.py", "slurm.py")


def calls(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def test_nothing_is_evaluated_and_no_pickle_is_read():
    """But for what the processes of one run tell each other, as the page says."""
    for file in FILES:
        pickles = re.search(PICKLES, file.read_text(), re.M)
        assert bool(pickles) == (file == ROOT / "rewardlab/system/processes.py")
        for node, name in calls(file):
            where = f"{file}:{node.lineno}"
            assert name not in RUNS_CODE, where
            assert not any(k.arg == "allow_pickle" for k in node.keywords), where


def test_code_of_others_comes_in_by_three_doors():
    doors = set(IMPORTS.values())
    found = {
        file.relative_to(ROOT / "rewardlab").as_posix(): name.rpartition(".")[2]
        for file in FILES
        for _, name in calls(file)
        if name.rpartition(".")[2] in doors and file.name not in OWN
    }
    assert found == IMPORTS


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch {here}')",
        "(lambda: open('{here}', 'w'))()",
        "[open('{here}', 'w') for _ in (1,)]",
        "outcome(open('{here}', 'w').name)",
        "outcome('correct') | clip_reward(eta=open('{here}', 'w').fileno())",
        "outcome(f'{{open(chr(120), chr(119))}}')",
        "formula('open(\\'{here}\\', 1)')",
    ],
)
def test_a_sentence_or_a_formula_opens_no_file(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    said = text.format(here=tmp_path / "made")
    for read in (build, resolve, lambda text: expression.calculate(text, {})):
        with pytest.raises(ValueError):
            read(said)
    assert not list(tmp_path.iterdir())


def test_an_array_that_hides_a_pickle_is_not_read(tmp_path):
    """NumPy's default, on which the held-out results rest."""
    np.save(tmp_path / "x.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        np.load(tmp_path / "x.npy")


def test_the_page_is_linked():
    assert "(docs/trust.md)" in (ROOT / "README.md").read_text()
