"""The verifier: every fault of a rule, with a stable code, a location and a hint.

Structure is checked on the text as it stands. Types and elements are checked on a rule without sizes. A rule with sizes
is specialized to a few sizes: it passes if it passes at one of them, because bounds such as `i < H - 2` are legal for
large sizes only, and extents such as `H - W` for some pairs of them. That is no proof for all sizes; every
specialization is therefore verified in full when the sizes are known (`ddcompile.runtime.arrays.prepare`).

| code | fault |
|---|---|
| T001 | a name that nothing has |
| T002 | a name defined twice |
| T003 | an index that has the name of a tensor, a size or an index around it |
| T004 | a reserved word or no word as a name |
| T006 | a size that the shapes of the inputs do not determine |
| T007 | a rule without results |
| T010 | a read with too few or too many positions |
| T011 | clauses of one tensor with different numbers of positions |
| T012 | a read outside of the extent, a softmax read outside of its range |
| T013 | a read of an element that no clause defines |
| T014 | clauses that overlap |
| T015 | a clause that defines a negative position |
| T016 | a result, or an element of it, that no clause defines |
| T017 | a result of another shape than declared |
| T018 | an extent that is not positive or not affine in sizes |
| T019 | a bound or position of a clause that is not affine |
| T020 | a bound of a reduction or softmax that is not static |
| T021 | a read, or a softmax, at a position that is no integer |
| T023 | a tensor or a reduction too large to handle |
| T024 | a pad that is no constant, or around a scalar |
| T025 | a tensor without elements |
| T030 | `and`, `or`, `xor`, `not`, `any`, `all` or a condition on what is no bit |
| T031 | `%` by what is no positive integer |
| T032 | `%` of what is no integer |
| T033 | comparisons that do not chain |
| T034 | a result whose values are not of the declared type |
| T035 | a constant whose values are not of the declared type |
| T036 | a constant whose values have another shape than declared |
| T037 | a number that is neither an integer nor a double |
| T039 | an empty range, or a range of a kind that takes none |
| T040 | `min`, `max`, `argmax` or `softmax` over a range that may be empty |
| T041 | a reduction that binds no index, or an `argmax` that binds several |
| T042 | `min` or `max` of fewer than two arguments |
| T050 | a tensor that reads elements of itself that are not lexicographically earlier |
| T051 | a cycle of tensors without a common first index |
| T052 | a read in a cycle that is not of an earlier step or statement |
| T053 | a recurrence whose fraction bits grow with every step |
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, permutations

from ddcompile.diagnostics import CompileError, Diagnostic
from ddcompile.ir.affine import affine_of
from ddcompile.ir.check_elements import ElementChecker, check_sizes
from ddcompile.ir.check_structure import check_structure
from ddcompile.ir.check_types import TypeChecker, check_recurrences
from ddcompile.ir.findings import Findings
from ddcompile.ir.nodes import Read, Rule, Softmax
from ddcompile.ir.scopes import scoped
from ddcompile.ir.specialize import specialize
from ddcompile.ir.types import Types, infer

__all__ = ["check", "verify"]

_TRIED = (6, 11, 3, 1, 2, 29, 128, 1000)
"""The first size is tried at these; the next ones are larger by 1, 2, ..., so that axes cannot be confused."""
_ATTEMPTS = 12


def verify(rule: Rule, file: str = "", source: str = "") -> list[Diagnostic]:
    """Find everything that is wrong with a rule.

    Parameters
    ----------
    rule
        Any rule.
    file, source
        The file that the rule was read from and its text, for locations and quotes.

    Returns
    -------
    list of Diagnostic
        In the order of the text. Faults of types and elements are looked for only if the structure is sound. Empty if
        the rule is legal.
    """
    return sorted(_verify(rule, file, source)[0], key=_position)


def check(rule: Rule, file: str = "", source: str = "") -> Types:
    """Verify a rule and return its types; of a rule with sizes, those at some sizes at which it is legal.

    Raises
    ------
    CompileError
        With all diagnostics, if there are any.
    """
    diagnostics, types = _verify(rule, file, source)
    if diagnostics or types is None:
        raise CompileError(sorted(diagnostics, key=_position))
    return types


def _position(diagnostic: Diagnostic) -> tuple[int, int]:
    location = diagnostic.location
    return (0, 0) if location is None else (location.line, location.column)


def _verify(rule: Rule, file: str, source: str) -> tuple[list[Diagnostic], Types | None]:
    findings = Findings(file, source)
    check_structure(rule, findings)
    if findings.diagnostics:
        return findings.diagnostics, None
    if not rule.sizes:
        types = _verify_elements(rule, findings)
        return findings.diagnostics, types
    first: list[Diagnostic] = []
    for sizes in _sizes_to_try(rule):
        found = Findings(file, source, ", ".join(f"{name} = {value}" for name, value in sizes.items()))
        special = specialize(rule, sizes)
        check_structure(special, found)
        special_types = None if found.diagnostics else _verify_elements(special, found)
        if not found.diagnostics:
            return [], special_types
        first = first or found.diagnostics
    return first, None


def _sizes_to_try(rule: Rule) -> Iterator[dict[str, int]]:
    """Sizes that differ from one another by 1; then other different ones that give all inputs and results elements."""
    forms = [affine_of(extent) for declared in (*rule.inputs, *rule.outputs) for extent in declared.type.shape]
    tried = [{name: base + k for k, name in enumerate(rule.sizes)} for base in _TRIED]
    yield from tried
    points = (dict(zip(rule.sizes, values, strict=True)) for values in permutations(_TRIED, len(rule.sizes)))
    others = (p for p in points if p not in tried and all(form is None or form.evaluate(p) > 0 for form in forms))
    yield from islice(others, _ATTEMPTS)


def _verify_elements(rule: Rule, findings: Findings) -> Types:
    """The checks on a rule without sizes whose structure is sound."""
    types = infer(rule)
    if not check_recurrences(types, findings):
        return types
    operands = TypeChecker(types, findings)
    operands.results()
    elements = ElementChecker(types, findings) if check_sizes(types, findings) else None
    if elements is not None:
        elements.define()
        elements.results()
    for statement in rule.statements:
        for node, scope in scoped(statement):
            operands.node(node, statement, scope)
            if elements is not None and isinstance(node, Read):
                elements.read(node, statement, scope)
            if elements is not None and isinstance(node, Softmax):
                elements.softmax(node, statement, scope)
    return types
