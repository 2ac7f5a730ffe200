"""What the sizes of a rule must satisfy for every read to lie inside its tensor.

A rule with sizes may be legal for large ones only, as one that reads `x[N - 3]`. Python would silently count a negative
position from the end, so the module checks what does not hold for all sizes.
"""

from __future__ import annotations

from ddcompile.backends.python.extents import is_at_most
from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import Binder, Read, Rule
from ddcompile.ir.scopes import binders_of, scoped

__all__ = ["requirements"]


def requirements(rule: Rule) -> list[Affine]:
    """Forms of the sizes that must not be negative, without those that follow from others.

    Positions that are not affine are left out: the verifier has tried them at some sizes.
    """
    extents = {d.name: [affine_of(extent) for extent in d.type.shape] for d in (*rule.inputs, *rule.outputs)}
    found: dict[Affine, None] = {}
    for statement in rule.statements:
        for node, scope in scoped(statement):
            if not isinstance(node, Read) or node.pad is not None:
                continue
            binders = binders_of(scope)
            shape = extents.get(node.tensor, [None] * len(node.positions))
            for position, extent in zip(node.positions, shape, strict=True):
                form = affine_of(position)
                if form is None:
                    continue
                for bound in (form, None if extent is None else extent - form - 1):
                    least = None if bound is None else _least(bound, binders)
                    if least is not None and not is_at_most(Affine(), least):
                        found[least] = None
    return [form for form in found if not any(is_at_most(other, form) for other in found if other is not form)]


def _least(form: Affine, binders: tuple[Binder, ...]) -> Affine | None:
    """The least value of a form over the ranges of its indices, a form of sizes; None if a range is not affine."""
    for binder in reversed(binders):
        slope = form.coefficient(binder.name)
        if not slope:
            continue
        bound = affine_of(binder.lower if slope > 0 else binder.upper)
        if bound is None:
            return None
        form = form.substitute({binder.name: bound if slope > 0 else bound - 1})
    return form
