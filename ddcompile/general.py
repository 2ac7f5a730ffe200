"""Rules with sizes from programs of fixed sizes, and the checking of what is claimed of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import ddcompile
from ddcompile import driver
from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends import Model
from ddcompile.generalization import Evidence, generalize as generalize_rules
from ddcompile.generalization.evidence import listed
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse as parse_rule
from ddcompile.ir.specialize import specialize
from ddcompile.ir.verifier import check as check_rule
from ddcompile.program import Program
from ddcompile.prove import equivalence
from ddcompile.prove.certificate import Certificate
from ddcompile.prove.verdict import Failure, Verdict

__all__ = ["FORMAT", "check", "generalize", "record"]

FORMAT = "ddcompile generalization"
VERSION = 1


def generalize(
    programs: Iterable[Program | str | Path],
    *,
    hold_out: Iterable[Program | str | Path] = (),
    name: str | None = None,
) -> Program:
    """Make one program with sizes of programs of several sizes.

    Statements are matched, numbers that differ become functions of the sizes, and every given program is proved to be
    what the new one is at its sizes. Extents, bounds, offsets and moduli are affine in the sizes, values polynomials of
    degree at most 2; a threshold may be a fraction of a size. What more sizes could refute is marked as assumed, in the
    text as a comment; from a single program, everything is.

    Parameters
    ----------
    programs : iterable of Program or path
        Without sizes; they differ in their sizes alone.
    hold_out : iterable of Program or path
        Programs of other sizes, which are not used but predicted, and compared.
    name : str, optional
        Of the new rule; by default that of the first program.

    Returns
    -------
    Program
        Its `generalization` says where it is proved, where it was predicted, and what it assumes. Elsewhere it is a
        definition.

    Raises
    ------
    CompileError
        G### if the programs are not of one family, with a diagnostic for everything that does not fit; U### if a file
        cannot be read.
    """
    given = [_program(p) for p in programs]
    if not given:
        raise fail("G003", "there is no program to generalize", place="generalize", hint="give some of several sizes")
    held_out = [_program(p).rule for p in hold_out]
    made = generalize_rules([p.rule for p in given], held_out, _equal, name)
    return Program(made.rule, generalization=made.known)


def check(certificate: Certificate | str | Path, network: Model | None = None) -> Verdict:
    """Run the checker on a certificate or the file of one; on the record of a generalization, too.

    Parameters
    ----------
    certificate : Certificate or path
    network : Network, torch.nn.Module, path or sequence of paths, optional
        Where the certificate says it starts: it is lowered again and compared.

    Returns
    -------
    Verdict
        On whether the first and the last program of the certificate are equal on every input; of a generalization, on
        whether the rule is each of the given programs at its sizes.

    Raises
    ------
    CompileError
        C### if the file cannot be read or is no certificate, N### if the network is at fault.
    """
    data = None if isinstance(certificate, Certificate) else _record(Path(certificate))
    return driver.check(certificate, network) if data is None else _checked(data, str(certificate))


def record(program: Program) -> str:
    """The record of a generalization, as the text of a JSON file that `check` reads."""
    known = program.generalization
    assert known is not None, "a program that was generalized"
    data = {"format": FORMAT, "version": VERSION, "ddcompile": ddcompile.__version__, "rule": str(program.rule)}
    return json.dumps(data | known.to_json(), indent=1, ensure_ascii=False) + "\n"


def _program(given: Program | str | Path) -> Program:
    program = given if isinstance(given, Program) else driver.load(given)
    if program.verdict is not None and program.verdict.status == "surrogate":
        hint = "what is found would be called proved; generalize what was distilled exactly"
        raise fail("G021", f"`{program.name}` is a surrogate", place="generalize", hint=hint)
    return program


def _equal(a: Rule, b: Rule) -> Verdict:
    return equivalence.verify(a, b, interpret)


def _record(path: Path) -> dict[str, Any] | None:
    """What the file of a generalization holds; None of anything else."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) and data.get("format") == FORMAT else None


def _checked(data: dict[str, Any], place: str) -> Verdict:
    """Prove again what a record says was proved."""
    try:
        rule = _rule(data["rule"], place)
        found = [(key, dict(e["sizes"]), _rule(e["rule"], place)) for key in ("given", "predicted") for e in data[key]]
        if not data["given"] or not all(sizes.keys() == set(rule.sizes) for _, sizes, _ in found):
            raise KeyError("sizes")
        pairs = [(specialize(rule, sizes), other) for _, sizes, other in found]
    except (KeyError, TypeError, ValueError) as error:
        raise fail("C003", f"the record is malformed: {type(error).__name__}: {error}", place=place) from error
    verdicts: list[Verdict] = []
    evidence: list[Evidence] = []
    for (key, sizes, _), (special, other) in zip(found, pairs, strict=True):
        verdict = _equal(special, other)
        if not verdict:
            if key == "predicted" and verdict.status == "tested":
                continue
            shown = ", ".join(f"{name} = {value}" for name, value in sizes.items())
            reason = verdict.failure.reason if verdict.failure is not None else verdict.status
            return Verdict("failed", failure=Failure(f"{rule.name} at {shown}", reason))
        verdicts.append(verdict)
        evidence.append(Evidence(sizes, other, verdict))
    return _joined(verdicts, evidence)


def _rule(text: str, place: str) -> Rule:
    try:
        rule = parse_rule(text)
        check_rule(rule)
    except CompileError as error:
        first = error.diagnostics[0]
        message = f"a rule of the record is not well formed: {first.message} ({first.code})"
        raise fail("C006", message, place=place) from None
    return rule


def _joined(verdicts: Sequence[Verdict], evidence: Sequence[Evidence]) -> Verdict:
    """One verdict of all proofs."""
    counts: dict[Any, int] = {}
    for verdict in verdicts:
        for key, count in verdict.obligations.items():
            counts[key] = counts.get(key, 0) + count
    sizes = listed([e.sizes for e in evidence])
    return Verdict("proved", counts, trusted=(f"sizes other than {sizes}: there, the rule is a definition",))
