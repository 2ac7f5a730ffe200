"""Certificates: the steps from one program to another, each with a witness, as JSON.

The file holds the text of every program once, by its SHA-256, and every large constant once, by the hash that texts
name it with::

    {"format": "ddcompile certificate", "version": 1, "ddcompile": "0.1.0",
     "network": {"sha256": "...", ...}, "rule": "<sha256 of the canonical text of the last program>",
     "steps": [{"pass": "forward", "old": "<sha256>", "new": "<sha256>", "witness": "seen[i < 3] = layer1[i]"}, ...],
     "programs": {"<sha256>": "rule ..."}, "constants": {"<sha256>": {"shape": [...], "values": [...]}}}

Hashes name things; they prove nothing, and the checker does not rely on them.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ddcompile.diagnostics import CompileError, fail
from ddcompile.ir.constants import array_from_json, array_sha256, array_to_json
from ddcompile.ir.nodes import Constant, Rule
from ddcompile.ir.parser import parse, parse_statements
from ddcompile.ir.printer import print_constant, print_rule, print_statement
from ddcompile.prove.fidelity import Fidelity
from ddcompile.prove.steps import WitnessClauses, WitnessLike

__all__ = ["FORMAT", "VERSION", "Certificate", "CertifiedStep"]

FORMAT = "ddcompile certificate"
VERSION = 1
INLINE_SIZE = 16
"""Constants with more entries are kept beside the texts."""


class StepLike(Protocol):
    """A step as the pass pipeline hands it over."""

    @property
    def name(self) -> str:
        """The name of the pass."""

    @property
    def old(self) -> Rule:
        """The program before."""

    @property
    def new(self) -> Rule:
        """The program after."""

    @property
    def witness(self) -> WitnessLike:
        """What the tensors of `new` mean."""


@dataclass(frozen=True, slots=True)
class CertifiedStep:
    """One rewrite: `new` is claimed equal to `old`, by the witness."""

    name: str
    old: Rule
    new: Rule
    witness: WitnessClauses = WitnessClauses()


@dataclass(frozen=True, slots=True)
class Certificate:
    """The steps from a first program, for example that of a network, to a last one.

    Attributes
    ----------
    steps : tuple of CertifiedStep
        In order; each begins where the one before ends, which the checker makes sure of.
    network_sha256 : str
        Hash of the network that the first program was lowered from, or "".
    network : mapping
        What else is known of it as plain data: the name of the file, the arguments of the lowering; of a surrogate,
        under this name, its fidelity.
    """

    steps: tuple[CertifiedStep, ...] = ()
    network_sha256: str = ""
    network: Mapping[str, Any] = field(default_factory=dict)

    @property
    def surrogate(self) -> Fidelity | None:
        """Of the tree that stands for a model, which the steps begin with then: how often they were seen to agree.

        Raises
        ------
        CompileError
            C003 if this is malformed.
        """
        if "surrogate" not in self.network:
            return None
        try:
            return Fidelity.from_json(self.network["surrogate"])
        except ValueError as error:
            raise fail("C003", f"the certificate is malformed at the surrogate: {error}", place="surrogate") from error

    @property
    def rule_sha256(self) -> str:
        """Hash of the canonical text of the last program, constants included; "" without steps."""
        return _sha256(print_rule(self.steps[-1].new)) if self.steps else ""

    def extended(self, steps: Iterable[StepLike]) -> Certificate:
        """This certificate with further steps at its end."""
        more = [(s, WitnessClauses(s.witness.statements, s.witness.constants)) for s in steps]
        added = (CertifiedStep(step.name, step.old, step.new, witness) for step, witness in more)
        return Certificate((*self.steps, *added), self.network_sha256, self.network)

    def to_json(self) -> str:
        """The text of the file, deterministic."""
        from ddcompile import __version__

        writer = _Writer()
        steps = [
            {
                "pass": step.name,
                "old": writer.program(step.old),
                "new": writer.program(step.new),
                "witness": writer.witness(step.witness),
            }
            for step in self.steps
        ]
        data = {
            "format": FORMAT,
            "version": VERSION,
            "ddcompile": __version__,
            "network": {"sha256": self.network_sha256, **self.network},
            "rule": self.rule_sha256,
            "steps": steps,
            "programs": writer.programs,
            "constants": {name: array_to_json(array) for name, array in writer.constants.items()},
        }
        return _layout(data) + "\n"

    def save(self, path: str | Path) -> None:
        """Write the file, all or nothing.

        Raises
        ------
        CompileError
            C007 if it cannot be written.
        """
        target = Path(path)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
        try:
            temporary.write_text(self.to_json(), encoding="utf-8", newline="\n")
            os.replace(temporary, target)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise fail("C007", f"the certificate cannot be written: {error.strerror}", place=str(path)) from error

    @classmethod
    def load(cls, path: str | Path) -> Certificate:
        """Read a file.

        Raises
        ------
        CompileError
            C001 if it cannot be read; else as `from_json`.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise fail("C001", "no such file", place=str(path)) from error
        except OSError as error:
            raise fail("C001", f"the certificate cannot be read: {error.strerror}", place=str(path)) from error
        except UnicodeDecodeError as error:
            raise fail("C002", "the certificate is not UTF-8 text", place=str(path)) from error
        return cls.from_json(text, str(path))

    @classmethod
    def from_json(cls, text: str, file: str = "certificate") -> Certificate:
        """Read the text of a file.

        Raises
        ------
        CompileError
            C002 if it is no JSON, C003 if it has another layout, C004 if it is of another version, C005 if a text or
            constant does not have the hash that names it, C006 if a program or witness is not well formed.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            reason = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
            message = f"the certificate is not JSON, or is cut off{reason}"
            raise fail("C002", message, place=file) from error
        return _Reader(data, file).certificate()


def _layout(data: Mapping[str, Any]) -> str:
    """JSON with a line for every step, program and constant."""
    lines = []
    for name, value in data.items():
        match value:
            case list():
                inner = ",\n".join("  " + json.dumps(item) for item in value)
                text = f"[\n{inner}\n ]" if inner else "[]"
            case dict():
                inner = ",\n".join(f"  {json.dumps(key)}: {json.dumps(item)}" for key, item in value.items())
                text = f"{{\n{inner}\n }}" if inner else "{}"
            case _:
                text = json.dumps(value)
        lines.append(f" {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class _Writer:
    """Collects programs and constants by hash."""

    def __init__(self) -> None:
        self.programs: dict[str, str] = {}
        self.constants: dict[str, np.ndarray] = {}

    def program(self, rule: Rule) -> str:
        text = print_rule(rule, self._external(rule.constants))
        name = _sha256(text)
        self.programs[name] = text
        return name

    def witness(self, witness: WitnessLike) -> str:
        external = self._external(witness.constants)
        lines = [print_constant(c, external.get(c.name)) for c in witness.constants]
        return "\n".join([*lines, *(print_statement(s) for s in witness.statements)])

    def _external(self, constants: Iterable[Constant]) -> dict[str, str]:
        external: dict[str, str] = {}
        for c in constants:
            if c.values.size > INLINE_SIZE:
                external[c.name] = name = array_sha256(c.values)
                self.constants[name] = c.values
        return external


class _Reader:
    """Takes the data of a file apart."""

    def __init__(self, data: Any, file: str) -> None:
        self.data, self.file = data, file
        self._parsed: dict[str, Rule] = {}
        self._constants: dict[str, np.ndarray] = {}

    def certificate(self) -> Certificate:
        data = self.data
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise self._malformed("this is no certificate", "the format")
        if data.get("version") != VERSION:
            message = f"the certificate has version {data.get('version')!r}, this ddcompile reads version {VERSION}"
            raise fail("C004", message, place=self.file)
        network = self._field(data, "network", dict, "the network")
        sha256 = self._field(network, "sha256", str, "the network")
        for name, value in self._field(data, "constants", dict, "the constants").items():
            self._constants[name] = self._constant(name, value)
        steps = self._field(data, "steps", list, "the steps")
        found = tuple(self._step(k, step) for k, step in enumerate(steps, 1))
        certificate = Certificate(found, sha256, {k: v for k, v in network.items() if k != "sha256"})
        if self._field(data, "rule", str, "the rule") != certificate.rule_sha256:
            raise fail("C005", "the last program does not have the hash of the rule", place=self.file)
        return certificate

    def _step(self, number: int, step: Any) -> CertifiedStep:
        where = f"step {number}"
        if not isinstance(step, dict):
            raise self._malformed("a step is no object", where)
        old, new = (self._program(self._field(step, side, str, where), where) for side in ("old", "new"))
        witness = self._field(step, "witness", str, where)
        try:
            constants, statements = (
                ((), ()) if not witness.strip() else parse_statements(witness, constants=self._constants)
            )
        except CompileError as error:
            raise self._bad_text(f"the witness of {where}", error) from error
        return CertifiedStep(self._field(step, "pass", str, where), old, new, WitnessClauses(statements, constants))

    def _program(self, name: str, where: str) -> Rule:
        if name not in self._parsed:
            programs = self._field(self.data, "programs", dict, "the programs")
            text = programs.get(name)
            if not isinstance(text, str):
                raise self._malformed(f"there is no program {name[:12]}", where)
            if _sha256(text) != name:
                raise fail("C005", f"a program of {where} does not have its hash {name[:12]}", place=self.file)
            try:
                self._parsed[name] = parse(text, constants=self._constants)
            except CompileError as error:
                raise self._bad_text(f"a program of {where}", error) from error
        return self._parsed[name]

    def _constant(self, name: str, value: Any) -> np.ndarray:
        try:
            array = array_from_json(value)
        except (ValueError, TypeError, OverflowError) as error:
            raise self._malformed(f"{error}", f"the constant {name[:12]}") from error
        if array_sha256(array) != name:
            raise fail("C005", f"the constant {name[:12]} does not have its hash", place=self.file)
        return array

    def _field(self, data: Mapping[str, Any], name: str, kind: type, where: str) -> Any:
        value = data.get(name)
        if not isinstance(value, kind):
            raise self._malformed(f"`{name}` is missing or of the wrong kind", where)
        return value

    def _malformed(self, message: str, where: str) -> CompileError:
        return fail("C003", f"the certificate is malformed at {where}: {message}", place=self.file)

    def _bad_text(self, what: str, error: CompileError) -> CompileError:
        first = error.diagnostics[0]
        return fail("C006", f"{what} is not well formed: {first.message} ({first.code})", place=self.file)
