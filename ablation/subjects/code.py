"""Reading code: the text of a function or a class, the names that it uses and the modules that it imports."""

import ast
import dis
import inspect
import linecache
import textwrap
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_NAMED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def parsed(file: str) -> ast.Module | None:
    """Return the syntax of a file or a cell as it is now; None where it cannot be read."""
    linecache.checkcache(file)
    return _parsed("".join(_lines(file)))


def _lines(file: str) -> list[str]:
    # Every text that was compiled without a file is called so, such as the methods of a data class.
    return [] if file == "<string>" else linecache.getlines(file)


@lru_cache(maxsize=256)
def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text) if text.strip() else None
    except SyntaxError:
        return None


def has_source(code: CodeType) -> bool:
    """Say whether the text of a code object can be read."""
    return bool(_lines(code.co_filename))


def function_syntax(code: CodeType) -> Function | None:
    """Find the definition that a function's code was compiled from; None where it cannot be found for certain."""
    tree = parsed(code.co_filename)
    if tree is None:
        return None
    found = [node for node in ast.walk(tree) if isinstance(node, Function) and _first_line(node) == code.co_firstlineno]
    found = [node for node in found if getattr(node, "name", "<lambda>") == code.co_name]
    if len(found) > 1:
        # Several on one line: the code's own columns decide, and of nested ones the innermost.
        spans = {node: _span(node) for node in found}
        start, end = _extent(code)
        found = sorted((node for node in found if spans[node][0] <= start and end <= spans[node][1]), key=lambda node: spans[node][0])[-1:]
    return found[0] if found else None


def class_syntax(file: str, qualname: str) -> ast.ClassDef | None:
    """Find the last definition of a class in a file; None where there is none."""
    places: list[ast.AST] = [tree] if (tree := parsed(file)) else []
    for name in qualname.replace(".<locals>", "").split("."):
        inside = [node for place in places for child in ast.iter_child_nodes(place) for node in ast.walk(child)]
        places = [node for node in inside if isinstance(node, _NAMED) and node.name == name]
    classes = [node for node in places if isinstance(node, ast.ClassDef)]
    return classes[-1] if classes else None


def normal(syntax: ast.AST) -> str:
    """Write syntax without comments, blank lines and docstrings: what is left decides what the code does."""
    return ast.unparse(_Undocumented().visit(ast.parse(ast.unparse(syntax))))


def function_text(code: CodeType) -> str:
    """Return what decides what a function does, or its lines where its definition cannot be singled out.

    Raises:
        OSError: if its source cannot be read.
    """
    if not has_source(code):
        raise OSError(f"the source of {code.co_name} cannot be read")
    syntax = function_syntax(code)
    return normal(syntax) if syntax else textwrap.dedent(inspect.getsource(code))


def names(code: CodeType) -> set[tuple[str, ...]]:
    """Return the global names that code uses, with the attributes that are read off them: ``("np", "random", "rng")``."""
    found: set[tuple[str, ...]] = set()
    chain: tuple[str, ...] = ()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
            chain = (instruction.argval,)
        elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and chain:
            chain = (*chain, instruction.argval)
        else:
            chain = ()
        if chain:
            found.add(chain)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= names(constant)
    return found


def imports(syntax: ast.AST, package: str) -> Iterator[str]:
    """Return the full names of the modules that code imports, and of what it imports from them, which may be modules too.

    Args:
        package: the package that the code is in, for relative imports.
    """
    for node in ast.walk(syntax):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            within = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*within, *filter(None, [node.module])])
            if module:
                yield module
                yield from (f"{module}.{alias.name}" for alias in node.names)


class _Undocumented(ast.NodeTransformer):
    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node


def _first_line(node: Function) -> int:
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return min([node.lineno, *(each.lineno for each in decorators)])


def _span(node: Function) -> tuple[tuple[int, int], tuple[int, int]]:
    return (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)


def _extent(code: CodeType) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return from where to where code goes, as (line, column)."""
    starts, ends = [], []
    for line, end_line, column, end_column in code.co_positions():
        if line and end_line and column is not None and end_column:
            starts.append((line, column))
            ends.append((end_line, end_column))
    return min(starts, default=(0, 0)), max(ends, default=(0, 0))
