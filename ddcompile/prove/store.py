"""Hash-consed terms: every non-linear function of affine forms is one numbered variable.

A value of a program is a `Form` over variables; a variable is an input element or a node: a threshold `[P >= t]` or a
relu `max(P - t, 0)` of a primitive integer form P, `P mod m`, a product of variables, an argmax, or an opaque operation
of which nothing is known but that equal operands give equal results. Nodes are created after their operands, so numbers
ascend along data flow, and equal nodes have equal numbers. The normalisations are exact identities over the variables'
ranges:

* a threshold's form has coprime coefficients and a positive leading one; its bound is rounded up to the next
  attainable value (by divisibility always, by enumeration of few groups of equal weights where cheap);
* `sign(L) = [L > 0] + [L >= 0] - 1`, so a sign that is never 0 is affine in one threshold;
* a threshold of a form over the staircase `[P >= t1], [P >= t2], ...` of one P is affine in that staircase; a
  threshold or relu of any piecewise linear function of one P is a sum of thresholds and relus of P.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from fractions import Fraction
from itertools import islice
from math import gcd

from ddcompile.ir.nodes import Number
from ddcompile.prove.attained import Attained, attained
from ddcompile.prove.bounds import Bounds
from ddcompile.prove.corners import cornered
from ddcompile.prove.curves import Curve, curve_of, positive, rectified
from ddcompile.prove.forms import (
    ONE,
    ZERO,
    Decline,
    Form,
    FormKey,
    bounded,
    complement,
    key,
    normal,
    quotient,
    scale,
    subtract,
    total,
    variable,
)
from ddcompile.prove.intervals import Interval, times
from ddcompile.prove.nodes import Base, Node
from ddcompile.prove.polynomials import expanded
from ddcompile.prove.ramps import curve_in, curved

__all__ = ["ATTAINABLE_LIMIT", "Store"]

ATTAINABLE_LIMIT = 1 << 18
"""Most count vectors enumerated to list the attainable values of a form."""


class Store:
    """All variables of one comparison of programs.

    Attributes
    ----------
    joins : bool
        Whether thresholds at the ends of sums, over thresholds at the ends of theirs, are joined, and whether bits are
        equal is a residue, as whether they differ is. Each way shows what the other does not: joined ones are no longer
        compared with others over the same thresholds.
    expands : bool
        Whether functions of a few bits are written as polynomials (`ddcompile.prove.polynomials`).
    factors : dict
        The bits of which variables are products, where polynomials made them.
    """

    def __init__(self, *, joins: bool = False, expands: bool = False) -> None:
        self.joins = joins
        self.expands = expands
        self.factors: dict[int, frozenset[int]] = {}
        self.nodes: list[Node] = []
        self.bases: list[Base] = []
        self.bits: set[int] = set()
        """The variables that are 0 or 1."""
        self.bounds = Bounds(self.nodes, self.bits, self.bases)
        self.sources: set[int] = set()
        """The variables of level 0."""
        self.spins: set[int] = set()
        """The input bits that stand for -1 and 1."""
        self.extremes: dict[tuple[str, frozenset[FormKey]], Form] = {}
        """By function and a set of forms, a form that is their minimum or maximum."""
        self.members: dict[tuple[str, FormKey], frozenset[FormKey]] = {}
        """By function and a form, forms of which it is the minimum or maximum."""
        self._index: dict[Hashable, int] = {}
        self._base_index: dict[Hashable, int] = {}
        self._sums: dict[Hashable, Attained] = {}

    # Variables ------------------------------------------------------------------------------------------------

    def input(self, name: str, low: int | None, high: int | None, integral: bool = True) -> Form:
        """A value of an input element. Two or three neighbouring integers are written by thresholds."""
        return self.spanned(self._input(name, low, high, integral))

    def _input(self, name: str, low: int | None, high: int | None, integral: bool) -> Form:
        v = self.intern(("input", name), Node("input", (), low=low, high=high, integral=integral, name=name))
        node = self.nodes[v]
        if node.low is None or node.high is None or not node.integral or node.is_bit or node.high - node.low > 2:
            return variable(v)
        steps = [self.step(self.base(Form({v: 1}, 0)), t) for t in range(node.low + 1, node.high + 1)]
        return total([Form({}, node.low), *steps])

    def spin(self, name: str) -> Form:
        """A value that is -1 or 1, made of a bit."""
        bit = self.input(name, 0, 1)
        self.spins.update(bit.terms)
        return subtract(scale(bit, 2), ONE)

    def opaque(self, name: str, operands: Sequence[Form], low: int | None = None, high: int | None = None) -> Form:
        """An operation of which only congruence is used; it counts as integral where it is bounded."""
        level = 1 + max((self.level(f) for f in operands), default=0)
        node = Node("opaque", tuple(operands), low=low, high=high, integral=low is not None, level=level, name=name)
        return variable(self.intern(("opaque", name, *(key(f) for f in operands)), node))

    def same(self, bit: Form) -> Form:
        """One variable for a form that is known to be 0 or 1."""
        bit = normal(bit)
        if len(bit.terms) == 1 and bit.exp == 0:
            ((v, c),) = bit.terms.items()
            if self.nodes[v].is_bit and (c, bit.const) in ((1, 0), (-1, 1)):
                return bit
        node = Node("same", (bit,), low=0, high=1, level=1 + self.level(bit))
        return variable(self.intern(("same", key(bit)), node))

    def relu(self, form: Form) -> Form:
        """`max(form, 0)`."""
        form = normal(form)
        if not form.terms:
            return form if form.const > 0 else ZERO
        low, high = self.bounds(form)
        if low is not None and low >= 0:
            return form
        if high is not None and high <= 0:
            return ZERO
        return bounded(self._relu(form), (0, high), form.exp)

    def _relu(self, form: Form) -> Form:
        if self.integral(form):
            index, curve = curve_in(self, form) or self._straight(form)
            base = self.bases[index]
            return scale(curved(self, index, rectified(curve, base.low, base.high)), Fraction(1, 1 << form.exp))
        found = cornered(self, form)
        if found is not None:
            return scale(found, Fraction(1, 1 << form.exp))
        if form.terms[min(form.terms)] < 0:  # relu(x) = x + relu(-x)
            return total([form, self._relu(scale(form, -1))])
        content = gcd(form.const, *form.terms.values())
        inner = Form({v: c // content for v, c in form.terms.items()}, form.const // content)
        return scale(self.corner(inner), Fraction(content, 1 << form.exp))

    def corner(self, inner: Form) -> Form:
        """`max(inner, 0)` of a form that is not integral: coprime numbers, the leading one positive."""
        node = Node("relu", (inner,), low=0, high=self.bounds(inner)[1], integral=False, level=1 + self.level(inner))
        return variable(self.intern(("relu", key(inner)), node))

    def _straight(self, form: Form) -> tuple[int, Curve]:
        """A form, times `2**form.exp`, as a multiple of a base plus a constant."""
        content = gcd(*form.terms.values())
        factor = -content if form.terms[min(form.terms)] < 0 else content
        return self.base(quotient(form, factor)), curve_of(factor, form.const, {}, {})

    def modulo(self, form: Form, modulus: int) -> Form:
        """`form mod modulus` (floor), for an integral form without a denominator."""
        if form.exp or not self.integral(form):
            raise Decline("a modulo of values that are no integers")
        short = expanded(self, (form,), lambda value: value % modulus) if self.expands else None
        if short is not None:
            return short
        terms: dict[int, int] = {}
        const, pending = form.const, list(form.terms.items())
        while pending:
            v, c = pending.pop()
            node = self.nodes[v]
            if node.kind == "mod" and int(node.number) % modulus == 0:
                const += c * node.operands[0].const
                pending.extend((w, c * d) for w, d in node.operands[0].terms.items())
            else:
                terms[v] = (terms.get(v, 0) + c) % modulus
        inner = Form({v: c for v, c in terms.items() if c}, const % modulus)
        low, high = self.bounds(inner)
        if low is not None and high is not None and low // modulus == high // modulus:
            return subtract(inner, Form({}, low - low % modulus))
        if self.single_bit(inner) is not None:
            at_zero, at_one = inner.const % modulus, (inner.const + sum(inner.terms.values())) % modulus
            return Form({v: at_one - at_zero for v in inner.terms if at_one != at_zero}, at_zero)
        node = Node("mod", (inner,), modulus, low=0, high=modulus - 1, level=1 + self.level(inner))
        return variable(self.intern(("mod", modulus, key(inner)), node))

    def product(self, factors: Iterable[int]) -> Form:
        """A product of two or more variables that are not all bits."""
        ids = sorted(factors)
        span: Interval = (1, 1)
        for v in ids:
            span = times(span, (self.nodes[v].low, self.nodes[v].high))
        integral = all(self.nodes[v].integral for v in ids)
        level = 1 + max(self.nodes[v].level for v in ids)
        node = Node("product", tuple(map(variable, ids)), low=span[0], high=span[1], integral=integral, level=level)
        return variable(self.intern(("product", *ids), node))

    def argmax(self, forms: Sequence[Form]) -> Form:
        """The lowest index of a largest form. A common offset and a common positive factor make no difference."""
        if len(forms) == 1:
            return ZERO
        rest = [normal(subtract(f, forms[0])) for f in forms]
        if len(forms) == 2:
            return self.at_least(rest[1], strict=True)
        exp = max(f.exp for f in rest)
        rest = [Form({v: c << (exp - f.exp) for v, c in f.terms.items()}, f.const << (exp - f.exp)) for f in rest]
        content = gcd(*(c for f in rest for c in (f.const, *f.terms.values()))) or 1
        rest = [Form({v: c // content for v, c in f.terms.items()}, f.const // content) for f in rest]
        level = 1 + max(self.level(f) for f in rest)
        node = Node("argmax", tuple(rest), low=0, high=len(rest) - 1, level=level)
        return variable(self.intern(("argmax", *(key(f) for f in rest)), node))

    # Thresholds -----------------------------------------------------------------------------------------------

    def at_least(self, form: Form, strict: bool = False) -> Form:
        """The bit `[form >= 0]`, or `[form > 0]`."""
        return self.at_least_each(form, (strict,))[0]

    def at_least_each(self, form: Form, stricts: Sequence[bool]) -> list[Form]:
        """The bits `[form >= 0]`, and `[form > 0]` where it is strict."""
        if not form.terms:
            return [ONE if form.const > 0 or (form.const == 0 and not strict) else ZERO for strict in stricts]
        found = curve_in(self, form)
        if found is not None:
            ends = self.bases[found[0]].low, self.bases[found[0]].high
            return [curved(self, found[0], positive(found[1], *ends, strict=strict)) for strict in stricts]
        coefficients = form.terms.values()
        content = gcd(*coefficients)
        negative = form.terms[min(form.terms)] < 0
        base = self.base(quotient(form, -content if negative else content))
        return [self._reached(base, form.const, content, negative, strict) for strict in stricts]

    def _reached(self, base: int, const: int, content: int, negative: bool, strict: bool) -> Form:
        """The bit `[content * P + const >= 0]`, or `>`, of a base P; of its negation where the sign was turned."""
        # content * (+-P) + const >= 0  <=>  P >= bound, or P <= bound where the sign was turned
        if self.bases[base].integral:
            if negative:
                return complement(self.step(base, -(-const // content) if strict else const // content + 1))
            return self.step(base, (-const) // content + 1 if strict else -(const // content))
        if negative:
            return complement(self.step(base, Fraction(const, content), not strict))
        return self.step(base, Fraction(-const, content), strict)

    def base(self, form: Form) -> int:
        """The number of a primitive form without a constant."""
        name = (tuple(sorted(form.terms.items())),) if len(form.terms) < 9 else key(form)
        found = self._base_index.get(name)
        if found is None:
            low, high = self.bounds(form)
            found = len(self.bases)
            self.bases.append(Base(form, low, high, self.integral(form), self.level(form)))
            self._base_index[name] = found
            origin = self.bounds.free(form)[0]
            if origin is not None:
                self.bases[found].origin = origin
                self.bases[found].attainable = self._attainable(form)
        return found

    def step(self, index: int, bound: Number, strict: bool = False) -> Form:
        """The bit `[P >= bound]` (or `>`) of a base, the bound an integer where the base is integral."""
        base = self.bases[index]
        if base.attainable is not None:
            attained_next = base.attainable.at_least(bound - base.origin)
            if attained_next is None:
                return ZERO
            bound = base.origin + attained_next
        if base.low is not None and (base.low > bound or (base.low == bound and not strict)):
            return ONE
        if base.high is not None and (base.high < bound or (base.high == bound and strict)):
            return ZERO
        short = self._staircase(base.form, bound) if base.integral else None
        if short is None and self.expands and base.integral:
            short = expanded(self, (base.form,), lambda value: int(value >= bound))
        return variable(self._threshold(index, bound, strict)) if short is None else short

    def _threshold(self, index: int, bound: Number, strict: bool) -> int:
        base = self.bases[index]
        v = base.nodes.get((bound, strict))
        if v is None:
            node = Node("step", (base.form,), bound, strict, index, low=0, high=1, level=1 + base.level)
            v = base.nodes[(bound, strict)] = self.intern(("step", index, bound, strict), node)
        return v

    def monomial(self, bits: frozenset[int]) -> int:
        """The product of two or more bits that are not products themselves: whether all of them are set."""
        v = self._threshold(self.base(Form(dict.fromkeys(sorted(bits), 1), 0)), len(bits), False)
        self.factors[v] = bits
        return v

    def _staircase(self, form: Form, bound: Number) -> Form | None:
        """`[form >= bound]` where the form is over one bit or the thresholds of one base: affine in them."""
        if len(form.terms) > 8:
            return None
        if len(form.terms) == 1:
            ((v, c),) = form.terms.items()
            if not self.nodes[v].is_bit:
                return None
            return _affine([v], [int(bound <= 0), int(bound <= c)])
        nodes = [self.nodes[v] for v in form.terms]
        if any(n.kind != "step" or n.base != nodes[0].base for n in nodes):
            return None
        steps = sorted(form.terms, key=lambda v: (self.nodes[v].number, self.nodes[v].strict))
        values = [0]
        for v in steps:
            values.append(values[-1] + form.terms[v])
        return _affine(steps, [int(value >= bound) for value in values])

    def _attainable(self, form: Form) -> Attained | None:
        if len(form.terms) < 2:
            return None
        counts: Counter[int] = Counter()
        most = ATTAINABLE_LIMIT.bit_length()
        are_bits = form.terms.keys() <= self.bits
        if are_bits:
            sizes = map(abs, form.terms.values())
            counts.update(islice(sizes, 2 * most))  # a few often tell
            counts.update(sizes if len(counts) <= most else ())
            if len(counts) > most:
                return None
        for v, c in () if are_bits else form.terms.items():
            node = self.nodes[v]
            if node.low is None or node.high is None or not node.integral:
                return None
            counts[abs(c)] += node.high - node.low
            if len(counts) > most:
                return None
        if len(counts) == 1 or (1 in counts and counts[1] >= max(counts)):
            return None  # every value between the extremes
        size = 1
        for n in counts.values():
            size *= n + 1
            if size > ATTAINABLE_LIMIT:
                return None
        name = tuple(sorted(counts.items()))
        if name not in self._sums:
            self._sums[name] = attained(name)
        return self._sums[name]

    # Facts about forms ----------------------------------------------------------------------------------------

    def spanned(self, form: Form) -> Form:
        """The form with what its variables tell of its range."""
        return Form(form.terms, form.const, form.exp, *self.bounds(form))

    def integral(self, form: Form) -> bool:
        """Whether all variables of a form are integers."""
        nodes = self.nodes
        return form.terms.keys() <= self.bits or all(nodes[v].integral for v in form.terms)

    def level(self, form: Form) -> int:
        """The greatest distance from the inputs."""
        if form.terms.keys() <= self.sources:
            return 0
        return max([self.nodes[v].level for v in form.terms])

    def single_bit(self, form: Form) -> int | None:
        """The variable of a form over one bit."""
        if len(form.terms) != 1:
            return None
        (v,) = form.terms
        return v if self.nodes[v].is_bit else None

    def is_bit(self, form: Form) -> bool:
        """Whether a form is visibly 0 or 1 for all values of its variables."""
        form = normal(form)
        low, high = self.bounds(form)
        return form.exp == 0 and self.integral(form) and low is not None and low >= 0 and high is not None and high <= 1

    def intern(self, name: Hashable, node: Node) -> int:
        """The variable of a name; `node` is what it stands for if it is new."""
        found = self._index.get(name)
        if found is None:
            found = self._index[name] = len(self.nodes)
            self.nodes.append(node)
            if node.is_bit:
                self.bits.add(found)
            if not node.level:
                self.sources.add(found)
        return found


def _affine(steps: Sequence[int], values: Sequence[int]) -> Form:
    """The function that is `values[k]` where exactly the first k of the ordered steps hold."""
    jumps = {v: values[k + 1] - values[k] for k, v in enumerate(steps)}
    return Form({v: jump for v, jump in jumps.items() if jump}, values[0])
