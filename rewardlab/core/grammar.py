"""Text into a syntax tree, within bounds that people's sentences never reach."""

import ast
import re

MOST_CHARACTERS = 10_000
MOST_CALLS = 100  # words and schedules
MOST_DEPTH = 12  # a pipe counts as one level, however long
_SHOWN = 120
# `package.module:word` is no Python; an operator that no sentence has stands for the
# colon while Python reads it. Quoted texts are passed over.
_OUTSIDE = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|(?<=\w):(?=[^\W\d])""")


def parse(text: str) -> ast.expr:
    """The tree of a sentence; `ValueError`, in one sentence, for what is none.

    A word `package.module:word` is a name that is so written. A sentence that is too
    long or too deep is refused too, before anything walks it.
    """
    if not isinstance(text, str):
        raise ValueError(f"a sentence is text, and this is {type(text).__name__}")
    if len(text) > MOST_CHARACTERS:
        raise ValueError(
            f"a sentence of {len(text)} characters is too long, at most "
            f"{MOST_CHARACTERS}: {shown(text)}"
        )
    try:
        tree = ast.parse(_OUTSIDE.sub(_colon, text.strip()), mode="eval").body
    except SyntaxError as error:
        raise ValueError(
            f"this is not a sentence, {error.msg} at character {error.offset}: "
            f"{shown(text)}"
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ValueError(
            f"this is not a sentence, {error or 'it is nested too deeply'}: "
            f"{shown(text)}"
        ) from None
    _bounded(tree, text)
    return _Outside().visit(tree)


def pipe(node: ast.expr) -> list[ast.expr]:
    """The parts that stand between `|`, from the left."""
    parts: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        parts.append(node.right)
        node = node.left
    return [node, *parts[::-1]]


def bare_names(text: str) -> set[str]:
    """The names in a sentence of any words that stand for values."""
    if not text.strip():
        return set()
    nodes = list(ast.walk(parse(text)))
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    names = (node for node in nodes if isinstance(node, ast.Name))
    return {node.id for node in names if id(node) not in called}


def shown(text: str) -> str:
    """The text in quotes, cut where it is long."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def _colon(found: re.Match[str]) -> str:
    return "@" if found[0] == ":" else found[0]


class _Outside(ast.NodeTransformer):
    """Names of words of other modules, in the place of what they were read as."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        call = node.right
        if isinstance(node.op, ast.MatMult) and isinstance(call, ast.Name):
            call = ast.Call(call, [], [])  # empty brackets may be left out
        if isinstance(node.op, ast.MatMult) and isinstance(call, ast.Call):
            call.func = ast.Name(f"{ast.unparse(node.left)}:{ast.unparse(call.func)}")
            return call
        return node


def _bounded(tree: ast.expr, text: str) -> None:
    calls, level, depth = 0, [tree], 0
    while level:
        depth += 1
        if depth > MOST_DEPTH:
            raise ValueError(f"this is nested too deeply for a sentence: {shown(text)}")
        inner: list[ast.expr] = []
        for node in (part for whole in level for part in pipe(whole)):
            calls += isinstance(node, ast.Call)
            inner += _children(node)
        level = inner
    if calls > MOST_CALLS:
        raise ValueError(
            f"a sentence of {calls} words is too long, at most {MOST_CALLS}: "
            f"{shown(text)}"
        )


def _children(node: ast.AST) -> list[ast.expr]:
    found: list[ast.expr] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            found.append(child)
        else:
            found += _children(child)
    return found
