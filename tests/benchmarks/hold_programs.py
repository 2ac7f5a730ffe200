"""Random programs in all engines; emitted C under strict flags and sanitizers; imports of emitted Python."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hold_networks import in_own_process, inputs
from lines import Line, count

import ddcompile as dd
from ddcompile.backends.c.build import FLAGS
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Rule
from ddcompile.ir.traverse import postorder
from ddcompile.ir.types import extents, infer
from ddcompile.kernel.lower import lower
from ddcompile.runtime.arrays import prepare
from ddcompile.testing.builders import EXAMPLES
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.differential import ENGINES, PER_FILE, Case, differences, is_general
from ddcompile.testing.generate import rule_from_seed
from ddcompile.testing.inputs import random_inputs
from ddcompile.testing.operands import Limits
from ddcompile.testing.worked import disagreements, read_worked

__all__ = ["c_is_clean", "meaning", "programs", "python_is_standalone"]

MEANING = Path(__file__).parents[1] / "golden" / "meaning"
PROGRAMS = 2000
FIRST_SEED = 1000
SAMPLES = 10
SANITIZERS = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
RANDOM_TO_SANITIZE = 40


def programs() -> Iterator[Line]:
    """Random programs, 100 in a C file, each on a few inputs with the edges of all ranges."""
    wrong = dict.fromkeys(ENGINES, 0)
    having: Counter[str] = Counter()
    for start in range(FIRST_SEED, FIRST_SEED + PROGRAMS, PER_FILE):
        cases = []
        for seed in range(start, start + PER_FILE):
            rule = rule_from_seed(seed)
            cases.append(Case(rule, random_inputs(rule, RandomChoose(seed), SAMPLES)))
            having.update(properties_of(cases[-1]))
        for difference in differences(cases):
            wrong[difference.engine] += 1
            print(difference, file=sys.stderr)
    for engine, number in wrong.items():
        found = f"{count(PROGRAMS - number)} of {count(PROGRAMS)}"
        yield Line("programs", f"{engine} = interpreter, {SAMPLES} inputs each", found, "all", number == 0)
    for what, number in sorted(having.items()):
        yield Line("programs", f"of them with {what}", count(number), "any", True)


def properties_of(case: Case) -> Iterator[str]:
    """What a program has that others have not."""
    rule = case.rule
    special = prepare(rule, case.arrays).rule
    types = infer(special)
    if rule.sizes:
        yield "sizes, taken by C at run time" if is_general(case) else "sizes, given to C when it is emitted"
    ranges = [types.of(node) for statement in special.statements for node in postorder(statement.value)]
    if any(found.kind == "real" for found in ranges):
        yield "reals"
    if any(found.exponent for found in ranges):
        yield "fractions"
    if any(found.is_bounded and found.bits > 64 for found in ranges):
        yield "more than 64 bits"
    if types.recurrences:
        yield "recurrences"


def meaning() -> Iterator[Line]:
    """The examples worked out by hand, of every construct, in all engines."""
    examples = [example for path in sorted(MEANING.glob("*.txt")) for example in read_worked(path.read_text("utf-8"))]
    lines = sum(len(example.lines) for example in examples)
    for engine in ("interpreter", *ENGINES):
        wrong = list(disagreements(examples, engine))
        for difference in wrong:
            print(difference, file=sys.stderr)
        found = f"{len(examples)} rules, {lines} lines" if not wrong else f"{len(wrong)} differ"
        yield Line("meaning", f"{engine} = by hand", found, "all", not wrong)


def c_is_clean() -> Iterator[Line]:
    """The self-tests of the examples and of random programs, compiled strictly and run under sanitizers."""
    programs = (rule_from_seed(seed, Limits(sizes=0.5)) for seed in range(RANDOM_TO_SANITIZE))
    rules = [*examples(), *filter(is_compiled, programs)]
    for compiler in ("gcc", "clang"):
        if shutil.which(compiler) is None:
            yield Line("c", compiler, "not installed", "any", True)
            continue
        for title, flags in (("strict flags", ("-O2",)), ("address and undefined sanitizers", SANITIZERS)):
            clean = sum(self_test(compiler, (*FLAGS, *flags), rule) for rule in rules)
            yield Line("c", f"{compiler}, {title}", f"{clean} of {len(rules)}", "all", clean == len(rules))


def is_compiled(rule: Rule) -> bool:
    """Whether a rule has no sizes, or is shown to be legal for all of them."""
    try:
        lower(rule)
    except dd.CompileError:
        return not rule.sizes
    return True


def self_test(compiler: str, flags: Sequence[str], rule: Rule) -> bool:
    """Whether the emitted self-test of a rule compiles without a word and passes."""
    with TemporaryDirectory() as folder:
        files = dd.emit(dd.Program(rule), "c", prefix="rule", self_test=True)
        for file in files:
            Path(folder, file.name).write_text(file.text, encoding="utf-8")
        sources = [file.name for file in files if file.name.endswith(".c")]
        command = [compiler, *flags, "-o", "rule", *sources]
        built = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        ran = subprocess.run([Path(folder, "rule")], capture_output=True, text=True) if not built.returncode else built
    if built.stderr or ran.returncode:
        print(rule, built.stderr, ran.stdout, ran.stderr, sep="\n", file=sys.stderr)
    return not built.stderr and not ran.returncode


def python_is_standalone() -> Iterator[Line]:
    """Imports of emitted modules, and the examples run as scripts by an interpreter without site packages."""
    rules = [*examples(), *(rule_from_seed(seed) for seed in range(PER_FILE))]
    outside = set[str]()
    for rule in rules:
        (file,) = dd.emit(dd.Program(rule), "python")
        outside |= imports(file.text) - sys.stdlib_module_names
    shown = ", ".join(sorted(outside)) or "none"
    yield Line("python", f"imports of {len(rules)} modules beyond the standard library", shown, "none", not outside)
    right = sum(runs_alone(name) for name in EXAMPLES)
    yield Line(
        "python", "scripts right without site packages", f"{right} of {len(EXAMPLES)}", "all", right == len(EXAMPLES)
    )


def examples() -> list[Rule]:
    """The rules of the example networks."""
    return [dd.parse(in_own_process(name, None).text).rule for name in EXAMPLES]


def imports(text: str) -> set[str]:
    """The top-level modules that a module imports, `__future__` among them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def runs_alone(name: str) -> bool:
    """Whether the module of an example, run as a script on JSON, gives what the interpreter gives."""
    rule = dd.parse(in_own_process(name, None).text).rule
    flat = inputs(name)[::1000]
    array = flat.reshape(-1, *extents(rule.inputs[0].type))
    (expected,) = interpret(rule, [array])
    samples = [{rule.inputs[0].name: sample} for sample in array.tolist()]
    with TemporaryDirectory() as folder:
        (file,) = dd.emit(dd.Program(rule), "python")
        Path(folder, file.name).write_text(file.text, encoding="utf-8")
        command = [sys.executable, "-I", "-S", file.name]
        done = subprocess.run(command, cwd=folder, input=json.dumps(samples), capture_output=True, text=True)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return False
    found = [result[rule.outputs[0].name] for result in json.loads(done.stdout)]
    return np.array_equal(np.array(found), expected)
