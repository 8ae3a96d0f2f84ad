"""Small wrong changes to Python source, one at a time. Standard library only."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.Mod: ast.Mult,
    ast.BitXor: ast.BitOr,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed operator, comparison, constant, condition or default. number: of the node in its module."""

    module: str  # below watchkeeper, dotted
    number: int
    line: int
    change: str
    text: str  # the source line, as a key that outlives other changes
    last: int  # line on which the mutated expression ends
    nth: int = 0  # of those with the same key

    @property
    def key(self) -> tuple[str, str, str]:
        """What a reason for its survival is filed under."""
        return self.module, self.text, self.change


class Source:
    """A module's source, its mutants, and the code that each makes of it."""

    def __init__(self, package: Path, module: str) -> None:
        self.module = module
        self.path = package / (module.replace(".", "/") + ".py")
        text = self.path.read_text()
        self.lines = text.splitlines()
        self.tree = ast.parse(text)

    def mutants(self) -> Iterator[Mutant]:
        """All of them, in the order of the source. Annotations, docstrings and `__slots__` are left alone."""
        alike: Counter[tuple[str, str]] = Counter()
        for number, node in enumerate(_nodes(self.tree)):
            change = _change(node)
            if change is not None:
                assert isinstance(node, (ast.expr, ast.stmt))
                text = self.lines[node.lineno - 1].strip()
                last = node.end_lineno or node.lineno
                yield Mutant(self.module, number, node.lineno, change, text, last, alike[text, change])
                alike[text, change] += 1

    def code(self, mutant: Mutant | None = None) -> CodeType:
        """The module's code, changed by `mutant`."""
        tree = copy.deepcopy(self.tree)
        if mutant is not None:
            _apply(_nodes(tree)[mutant.number])
        return compile(ast.fix_missing_locations(tree), str(self.path), "exec")


def _nodes(tree: ast.Module) -> list[ast.AST]:
    found: list[ast.AST] = []

    def walk(node: ast.AST) -> None:
        found.append(node)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not _left_alone(child):
                    walk(child)

    walk(tree)
    return found


def _left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id == "__slots__"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dataclass":
        return True  # frozen and slots guard against us, not against the driver
    if isinstance(node, ast.If) and isinstance(node.test, ast.Compare) and "version_info" in ast.dump(node.test):
        return True  # one of the two by Python's version
    return isinstance(node, (ast.Import, ast.ImportFrom)) or (
        isinstance(node, ast.ClassDef) and any("Protocol" in ast.dump(base) for base in node.bases)
    )


def _change(node: ast.AST) -> str | None:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARE:
        return f"{type(node.ops[0]).__name__} -> {_COMPARE[type(node.ops[0])].__name__}"
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in _BINARY:
        return f"{type(node.op).__name__} -> {_BINARY[type(node.op)].__name__}"
    if isinstance(node, ast.BoolOp):
        return "and <-> or"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        return "operator taken away"
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
        return "flipped" if isinstance(node.value, bool) else f"{node.value} -> {_other(node.value)}"
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        return "condition negated"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("min", "max"):
        return "min <-> max"
    return None


def _other(value: float) -> float:
    return value + 1 if isinstance(value, int) else value * 1.5 + (1.0 if value == 0 else 0.0)


def _apply(node: ast.AST) -> None:
    if isinstance(node, ast.Compare):
        node.ops[0] = _COMPARE[type(node.ops[0])]()
    elif isinstance(node, (ast.BinOp, ast.AugAssign)):
        node.op = _BINARY[type(node.op)]()
    elif isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, ast.UnaryOp):
        node.op = ast.UAdd() if isinstance(node.op, ast.USub) else ast.Not()
        if isinstance(node.op, ast.Not):
            node.operand = ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Constant):
        assert isinstance(node.value, (bool, int, float))
        node.value = (not node.value) if isinstance(node.value, bool) else _other(node.value)
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
        node.test = ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        node.func.id = "max" if node.func.id == "min" else "min"


def lines_of_defaulted(source: Source, mutant: Mutant) -> range:
    """Lines of the body of the function among whose parameters the mutant is, which only calls can tell."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef) and node.lineno <= mutant.line < node.body[0].lineno:
            return range(node.body[0].lineno, (node.end_lineno or 0) + 1)
    return range(0)


def names_of_top_level(sources: list[Source], mutant: Mutant) -> set[tuple[str, str]]:
    """What the module-level statement around the mutant defines, and what other such names are made of it: (module,
    name). Empty when it defines no name."""
    names: set[tuple[str, str]] = set()
    for node in next(source for source in sources if source.module == mutant.module).tree.body:
        if node.lineno <= mutant.line <= (node.end_lineno or 0):
            names |= {(mutant.module, name) for name in _defined(node)}
    while True:
        more = {
            (source.module, name)
            for source in sources
            for node in source.tree.body
            if not isinstance(node, (ast.Import, ast.ImportFrom)) and _uses(source, node, names)
            for name in _defined(node)
        }
        if more <= names:
            break
        names |= more
    return names


def places_of(sources: list[Source], names: set[tuple[str, str]]) -> list[tuple[str, int]]:
    """Where these are used inside functions: (module, line)."""
    return [
        (source.module, line)
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, (ast.FunctionDef, ast.Lambda))
        for line in _uses(source, node, names)
    ]


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return set()
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _uses(source: Source, node: ast.AST, names: set[tuple[str, str]]) -> set[int]:
    """Lines of `node` that use one of `names`, by itself, imported by name, or as `module.NAME`."""
    last = {(module.rpartition(".")[2], name) for module, name in names}
    local = {name for module, name in names if module == source.module} | {
        alias.asname or alias.name
        for statement in source.tree.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
        if ((statement.module or "").removeprefix("watchkeeper."), alias.name) in names
    }
    lines = set()
    for n in ast.walk(node):
        by_name = isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id in local
        by_module = isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and (n.value.id, n.attr) in last
        if by_name or by_module:
            lines.add(getattr(n, "lineno", 0))
    return lines
