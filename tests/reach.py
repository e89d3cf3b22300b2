"""Definitions of rewardlab that no command, run, public name or example uses.

Static and by name: a definition at the top of a module is reached if something reached
names it. What stands in a table counts as used by whoever uses the table; of a module
that is handed on as a value, what is read as an attribute anywhere. It errs on the side
of what is reached: a name may stand in code that never runs.

    python tests/reach.py        prints what is not reached
"""

import ast
import functools
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
Name = tuple[str, str]  # module and name
# Modules that a command imports by a text, and hooks that JAX calls.
ENTRIES = ("rewardlab.__main__", "rewardlab.launch.train", "rewardlab.launch.grid")
PRINTED = ("rewardlab.show.catalogue",)  # python -m


class Module:
    """The definitions at the top of a file, and what its names stand for."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.tree = name, ast.parse(text)
        self.defined: dict[str, list[ast.stmt]] = defaultdict(list)
        self.loose: list[ast.stmt] = []  # statements that run on import
        self.imported: dict[str, tuple[str, str | None]] = {}
        for statement in self.tree.body:
            names = list(_defined(statement))
            for one in names:
                self.defined[one].append(statement)
            if not names:
                self.loose.append(statement)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    known = alias.asname or alias.name
                    self.imported[known] = (node.module, alias.name)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    whole = alias.name if alias.asname else alias.name.split(".")[0]
                    self.imported[alias.asname or whole] = (whole, None)


def _defined(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement at the top of a module gives something."""
    match statement:
        case ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
            yield statement.name
        case ast.Assign():
            for target in statement.targets:
                yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case ast.AugAssign(target=ast.Name(id=name)):
            yield name


class Program:
    """All modules under a folder, and who uses whom."""

    def __init__(self, root: Path, folders: Iterable[str]) -> None:
        self.modules: dict[str, Module] = {}
        for folder in folders:
            for file in sorted(root.glob(f"{folder}/**/*.py")):
                parts = file.relative_to(root).with_suffix("").parts
                name = ".".join(parts).removesuffix(".__init__")
                self.modules[name] = Module(name, file.read_text())

    @functools.cached_property
    def attributes(self) -> set[str]:
        """All names that are read as an attribute of something."""
        every = (ast.walk(module.tree) for module in self.modules.values())
        nodes = itertools.chain.from_iterable(every)
        return {node.attr for node in nodes if isinstance(node, ast.Attribute)}

    def find(self, module: str, name: str, deep: int = 0) -> Name | str | None:
        """What a name in a module stands for: a definition, a module, or neither."""
        known = self.modules.get(module)
        if known is None or deep > 20:
            return None
        if name in known.defined:
            return module, name
        if name in known.imported:
            source, attribute = known.imported[name]
            if attribute is None:
                return source
            found = self.find(source, attribute, deep + 1)
            below = f"{source}.{attribute}"
            return found or (below if below in self.modules else None)
        below = f"{module}.{name}"
        return below if below in self.modules else None

    def used(self, module: str, node: ast.AST) -> Iterator[Name]:
        """The definitions that a piece of code names, `a.b.c` included."""
        for part in ast.walk(node):
            names: list[str] = []
            while isinstance(part, ast.Attribute):
                names.insert(0, part.attr)
                part = part.value
            if isinstance(part, ast.Name):
                found = self.find(module, part.id)
                while isinstance(found, str) and names:
                    found = self.find(found, names.pop(0))
                if isinstance(found, tuple):
                    yield found
                elif found in self.modules:
                    defined = self.modules[found].defined
                    yield from ((found, one) for one in self.attributes & set(defined))

    def reached(self, begin: Iterable[Name]) -> set[Name]:
        """What is used by these definitions, or by what they use."""
        seen, waiting = set[Name](), list(begin)
        while waiting:
            at = waiting.pop()
            if at in seen:
                continue
            seen.add(at)
            module, name = at
            for statement in self.modules[module].defined[name]:
                waiting += self.used(module, statement)
        return seen


def beginnings(program: Program, pages: Iterable[Path]) -> set[Name]:
    """Commands, scripts, public names, statements that run, and documented examples."""
    found = set[Name]()
    for name, module in program.modules.items():
        whole = name in (*ENTRIES, *PRINTED) or not name.startswith("rewardlab")
        if whole:
            found |= {(name, one) for one in module.defined}
        for statement in module.loose:
            found |= set(program.used(name, statement))
    for public in program.modules["rewardlab"].imported:
        place = program.find("rewardlab", public)
        if isinstance(place, tuple):
            found.add(place)
    for page in pages:
        found |= _named(program, page.read_text())
        for block in re.findall(
            r"^```python\n(.*?)^```$", page.read_text(), re.M | re.S
        ):
            try:
                example = Module("example", block)
            except SyntaxError:
                continue
            program.modules["example"] = example
            found |= set(program.used("example", example.tree))
            found |= {
                place
                for known in example.imported
                if isinstance(place := program.find("example", known), tuple)
            }
            del program.modules["example"]
    return {at for at in found if at[0] != "example"}


def _named(program: Program, text: str) -> set[Name]:
    """Definitions that a page names in full, as `tasks.gymnasium_text.gymnasium_text`
    or `package.module:attribute`."""
    found = set[Name]()
    for path in re.findall(r"\b((?:[a-z_]\w*\.)+[a-z_]\w*[.:]\w+)", text):
        *folders, name = re.split(r"[.:]", path)
        module = ".".join(folders)
        for whole in (module, f"rewardlab.{module}"):
            if whole in program.modules and name in program.modules[whole].defined:
                found.add((whole, name))
    return found


def lines(program: Program, at: Name) -> int:
    """How many lines a definition has."""
    statements = program.modules[at[0]].defined[at[1]]
    return sum(int(s.end_lineno or 0) - s.lineno + 1 for s in statements)


def census(root: Path = ROOT) -> tuple[dict[Name, int], dict[Name, int]]:
    """All definitions of rewardlab with their lines, and those that are not reached."""
    program = Program(root, ("rewardlab", "experiments"))
    written = ("methods", "signals")  # by the tables that the code runs
    docs = sorted((root / "docs").glob("*.md"))
    pages = [root / "README.md", *(page for page in docs if page.stem not in written)]
    reached = program.reached(beginnings(program, pages))
    every = {
        (name, one): lines(program, (name, one))
        for name, module in program.modules.items()
        if name.startswith("rewardlab.")
        for one in module.defined
        if one != "__all__"
    }
    return every, {at: size for at, size in every.items() if at not in reached}


# What waits for models that are learned or asked beside the policy, by module.
WAITS = {
    "reward models, trained on pairs, outcomes or steps": (
        "rewardlab.reward_models.bilevel",
        "rewardlab.reward_models.general_preference",
        "rewardlab.reward_models.heron",
        "rewardlab.reward_models.length_heads",
        "rewardlab.reward_models.min_norm",
        "rewardlab.reward_models.pal",
        "rewardlab.reward_models.progress",
        "rewardlab.reward_models.uncertainty",
        "rewardlab.reward_models.value_search",
    ),
    "a learner on preference pairs": ("rewardlab.objectives.pacs",),
    "a judge of rubrics": ("rewardlab.rules.mastery",),
}


if __name__ == "__main__":
    every, idle = census()
    learned = {module for modules in WAITS.values() for module in modules}
    by_module = defaultdict(list)
    for (module, name), size in idle.items():
        if module not in learned:
            by_module[module].append(f"{name} {size}")
    for module, names in by_module.items():
        print(f"{module}: {', '.join(names)}")
    total, left = sum(every.values()), sum(idle.values())
    waits = sum(size for at, size in idle.items() if at[0] in learned)
    print(
        f"not reached: {left} of {total} definition lines, {100 * left / total:.1f} %"
    )
    rest = left - waits
    print(
        f"{waits} wait for learned models; others: {rest}, {100 * rest / total:.1f} %"
    )
