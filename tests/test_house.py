"""House rules that a machine can see."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import rewardlab
from rewardlab import METHODS
from rewardlab.contrib import CONTRIB
from rewardlab.methods.sentence import WORDS
from rewardlab.transforms import TRANSFORMS

ROOT = Path(__file__).parents[1]
FOLDERS = ("rewardlab", "experiments", "tests", "benchmarks")
FILES = [p for f in FOLDERS for p in sorted((ROOT / f).rglob("*.py"))]
NAMES = [str(p.relative_to(ROOT)) for p in FILES]
PACKAGE = [name for name in NAMES if name.startswith("rewardlab/")]


def tree(name):
    return ast.parse((ROOT / name).read_text())


@pytest.mark.parametrize("name", NAMES)
def test_files_and_functions_are_short(name):
    """Files under 250 lines, transforms under 80 (their table aside), functions 45
    without their docstrings."""
    is_transform = ("transforms/" in name or "contrib/" in name) and not name.endswith(
        "__init__.py"
    )
    limit = 80 if is_transform and name.startswith("rewardlab/") else 250
    assert len((ROOT / name).read_text().splitlines()) < limit
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.FunctionDef):
            said = node.body[0] if ast.get_docstring(node) else None
            docstring = said.end_lineno - said.lineno + 1 if said else 0
            length = node.end_lineno - node.lineno + 1 - docstring
            assert length < 45, f"{node.name} has {length} lines"


@pytest.mark.parametrize("name", PACKAGE)
def test_public_names_are_documented_and_annotated(name):
    """Every public module, class and function says what it is, and of what types."""
    module = tree(name)
    public = [
        node
        for node in module.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        and not node.name.startswith("_")
    ]
    assert ast.get_docstring(module) or not module.body, name
    for node in public:
        assert ast.get_docstring(node), f"{name}: {node.name}"
        if isinstance(node, ast.FunctionDef):
            assert node.returns is not None, f"{name}: {node.name} -> ?"


def test_all_is_what_is_there():
    """Every name of the package is exported on purpose and documented."""
    for name in rewardlab.__all__:
        thing = getattr(rewardlab, name)
        assert not callable(thing) or inspect.getdoc(thing), name
    assert rewardlab.__all__ == sorted(rewardlab.__all__, key=_order)


def _order(name):
    return (not name.isupper(), not name[0].isupper(), name)


def test_every_word_has_an_oracle():
    """Each word of a sentence has a `test_<name>` in tests/test_transforms_*.py."""
    text = "".join(p.read_text() for p in ROOT.glob("tests/test_transforms_*.py"))
    tested = set(re.findall(r"def test_(\w+)\(", text))
    assert sorted(set(WORDS) - tested) == []


def test_every_word_serves_a_method():
    """What serves none is in contrib; `par` is made of two words."""
    used = {word.word for m in METHODS.values() for word in m.build().tree.words}
    assert set(TRANSFORMS) - used == {"relative", "sigmoid"}
    assert not used & set(CONTRIB)


def test_every_row_with_public_code_is_tested_whole():
    """By its name in tests/test_rows_*.py: advantage, loss and gradient (rows.py)."""
    whole = set()
    for file in (ROOT / "tests").glob("test_rows_*.py"):
        nodes = ast.walk(ast.parse(file.read_text()))
        whole |= {str(n.value) for n in nodes if isinstance(n, ast.Constant)}
    code = {name for name, method in METHODS.items() if method.verified == "code"}
    assert sorted(code - whole) == []


@pytest.mark.parametrize("name", PACKAGE)
def test_one_way_in(name):
    """nnx in models only, counts divided in masked.py only, no registry, no to-do."""
    text = (ROOT / name).read_text()
    if "models/" not in name:
        assert "nnx" not in text
    if "transforms/" in name or "contrib/" in name:
        assert "jnp.maximum(n" not in text and "jnp.maximum(count" not in text
        assert "/ jnp.sum(" not in text and "/ jnp.maximum" not in text
    assert not re.search(r"^@register", text, re.M)
    assert "TODO" not in text and "FIXME" not in text
    assert not name.endswith("utils.py")


@pytest.mark.parametrize("name", PACKAGE)
def test_speed_is_no_choice(name):
    """How a reward is kept by row is known to two modules, and to no word."""
    if name not in ("rewardlab/core/reward.py", "rewardlab/core/placed.py"):
        assert "._rows" not in (ROOT / name).read_text()


def arrows():
    """By package: the packages that its modules import."""
    found = {}
    for name in PACKAGE:
        room = Path(name).parts[1].removesuffix(".py")
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.ImportFrom) and node.module:
                whole, *inside = node.module.split(".")
                names = inside[:1] or [alias.name for alias in node.names]
                if whole == "rewardlab":
                    found.setdefault(room, set()).update(set(names) - {room})
    return found


def test_packages_import_without_a_circle():
    """A room stands on rooms below it, so each can be understood from the ground up."""
    left = {room: others for room, others in arrows().items() if others}
    while left:
        ground = {x for others in left.values() for x in others} - set(left)
        assert ground, f"these import one another: {sorted(left)}"
        left = {room: others - ground for room, others in left.items()}
        left = {room: others for room, others in left.items() if others}


def test_the_top_holds_folders():
    assert len(list((ROOT / "rewardlab").glob("*.py"))) <= 4
