"""`Program`: a rule with what is known of it, and everything one can do with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddcompile.ir.nodes import Rule

if TYPE_CHECKING:
    from ddcompile.backends.shared.target import EmittedFile
    from ddcompile.generalization.evidence import Generalization
    from ddcompile.prove.certificate import Certificate
    from ddcompile.prove.verdict import Verdict
    from ddcompile.reading.explanation import Explanation

__all__ = ["Program"]


@dataclass(frozen=True, slots=True, repr=False)
class Program:
    """A verified rule.

    Programs come from `ddcompile.distill`, `ddcompile.load` and `ddcompile.parse`. Two programs are equal when their
    rules are.

    Attributes
    ----------
    rule : Rule
        The rule, as nodes of `ddcompile.ir.nodes`.
    network_sha256 : str
        Hash of the network that the rule was distilled from, or "".
    certificate : Certificate or None
        The steps from the network to the rule, of a distilled program.
    verdict : Verdict or None
        What the checker says to the certificate.
    origin : str
        The comment at the top of the text that the rule was read from: what it says of itself, unchecked.
    generalization : Generalization or None
        Of a rule that was made from programs of several sizes: where it is proved, and what it assumes.
    repeats : str
        Of a rule that `scan` or `iterate` made: the name of the rule of one step, and what is known of it.
    labels : tuple of str
        What the classes 0, 1, ... that the rule gives are called, where they have other names.
    """

    rule: Rule
    network_sha256: str = ""
    certificate: Certificate | None = None
    verdict: Verdict | None = None
    origin: str = ""
    generalization: Generalization | None = None
    repeats: str = ""
    labels: tuple[str, ...] = ()

    def __str__(self) -> str:
        from ddcompile.backends.shared.labels import label_lines

        named = "".join(f"# {line}\n" for line in label_lines(self.labels))
        text = str(self.rule)
        return named + (text if self.generalization is None else self.generalization.annotate(text))

    def __repr__(self) -> str:
        verdict = f", {self.known}" if self.known else ""
        return f"<Program {self.name}: cost {self.cost}{verdict}>"

    def __eq__(self, other: object) -> bool:
        return self.rule == other.rule if isinstance(other, Program) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.rule)

    @property
    def name(self) -> str:
        """The name of the rule."""
        return self.rule.name

    @property
    def known(self) -> str:
        """What is known of the rule, in a few words; "" if nothing is."""
        if self.repeats:
            return f"steps of {self.repeats}"
        if self.generalization is not None:
            return str(self.generalization)
        return "" if self.verdict is None else f"{self.verdict.status}{f' ({self.rounded})' if self.rounded else ''}"

    @property
    def rounded(self) -> str:
        """What of the network was rounded before it was compiled, as was asked for; "" if nothing was."""
        return "" if self.certificate is None else str(self.certificate.network.get("fuse_batch_norm", ""))

    @property
    def cost(self) -> int:
        """The description length that distilling minimises: tokens of the text, and entries of constants."""
        from ddcompile.analysis.cost import cost

        return cost(self.rule)

    def __call__(self, *arrays: Any, **named: Any) -> Any:
        """Evaluate the rule exactly with the interpreter, which is its meaning.

        Parameters
        ----------
        *arrays, **named : array_like
            The inputs in declared order, or by name. Axes before the declared ones are batch axes. A size that the
            shapes do not tell is given by its name: `steps(cells, T=100)`.

        Returns
        -------
        numpy.ndarray or NamedTuple of numpy.ndarray
            The result, or one field a result; batch axes first.

        Raises
        ------
        CompileError
            A### if an array does not fit its declaration, a name is no input, or a size is no positive whole number.
        """
        from ddcompile.interpreter import interpret
        from ddcompile.runtime.arrays import bundle
        from ddcompile.runtime.shapes import bound

        rule, given = bound(self.rule, arrays, named)
        return bundle(rule, interpret(rule, given))

    def jit(self, n_jobs: int = 1, schedule: str = "auto") -> Callable[..., Any]:
        """Compile the rule to machine code, or find the code on disk if it has been compiled before.

        The folder is `~/.cache/ddcompile`, or that of `XDG_CACHE_HOME`; the environment variable `DDCOMPILE_CACHE`
        names another one, or is `off`.

        Parameters
        ----------
        n_jobs : int
            How many threads share a batch, or one large sample.
        schedule : {"auto", "grid", "batch", "popcount", "tables", "scalar"}
            How the rule is laid out for the machine: bits on a grid, 64 at a time; many samples side by side; sums of
            bits counted in words; gates run from tables; or one element after the other. By default, what is likely to
            be fastest.

        Returns
        -------
        callable
            Takes and gives what calling the program takes and gives, inputs and sizes by name too; packed bits (see
            `ddcompile.pack`) if it is given them.

        Raises
        ------
        CompileError
            E0## if machine integers cannot hold its numbers, E022 if the rule is not of a form that the schedule takes.
        """
        from ddcompile.backends.llvm.jit import compile_jit

        return compile_jit(self.rule, n_jobs=n_jobs, schedule=schedule)

    def schedule(self) -> str:
        """Which schedule the JIT takes, and why: "grid: bits on a grid of 64 x 64, ...".

        Raises
        ------
        CompileError
            E022 if the rule has sizes; give them by `at`.
        """
        from ddcompile.diagnostics import fail
        from ddcompile.ir.verifier import check
        from ddcompile.kernel.schedules import choose

        if self.rule.sizes:
            hint = "give " + ", ".join(f"`--size {name}=64`" for name in self.rule.sizes) + ", or the same by `.at`"
            raise fail("E022", "a schedule is for given sizes", place=self.name, hint=hint)
        chosen = choose(self.rule, check(self.rule))
        return f"{chosen.name}: {chosen.reason}"

    def emit(self, target: str, **options: Any) -> list[EmittedFile]:
        """Print the rule for a target: "python", "c" or "llvm".

        Parameters
        ----------
        target : str
        **options
            Fields of `ddcompile.EmitOptions`, such as `prefix="ori"` or `self_test=True`.

        Raises
        ------
        CompileError
            E### if there is no such target, or it cannot print the rule.
        """
        from ddcompile.backends.shared.registry import target as find
        from ddcompile.backends.shared.target import EmitOptions

        given = EmitOptions(network_sha256=self.network_sha256, verdict=self.known, labels=self.labels)
        return find(target).emit(self.rule, replace(given, **options))

    def explain(self) -> Explanation:
        """The rule in plain sentences, one a statement; `print` shows them numbered.

        Returns
        -------
        Explanation
            Its `str` is the page, `report()` the same as data. What the checker says is added if the program has a
            verdict; else what the file that it was loaded from says of itself.
        """
        from ddcompile.backends.shared.labels import label_lines
        from ddcompile.ir.types import infer
        from ddcompile.reading.explanation import explain

        found = explain(self.rule, infer(self.rule))
        if self.labels:
            found = found.saying(f"C{', '.join(label_lines(self.labels))[1:]}.")
        if self.verdict is not None:
            network = f" against the network {self.network_sha256[:12]}" if self.network_sha256 else ""
            return found.saying(f"The checker says: {str(self.verdict).splitlines()[0]}{network}.")
        if self.generalization is not None:
            return found.saying(f"The rule is {self.generalization}.")
        return found.saying(f"The file says: {self.origin}") if self.origin else found

    def at(self, **sizes: int) -> Program:
        """The program at given sizes: `life.at(H=8, W=8)`; sizes that are not named stay.

        Raises
        ------
        CompileError
            If a size is unknown or no positive whole number, or the rule is not valid at these sizes.
        """
        from ddcompile.ir.specialize import checked_sizes, specialize
        from ddcompile.ir.verifier import check

        rule = specialize(self.rule, checked_sizes(self.rule, sizes), partly=True)
        check(rule)
        return Program(rule, self.network_sha256, repeats=self.repeats, labels=self.labels)

    def files(self, path: str | Path) -> dict[Path, str | bytes]:
        """What `save` writes, by path."""
        import ddcompile
        from ddcompile.backends.shared.labels import label_lines
        from ddcompile.sidefiles import to_files

        if self.generalization is not None:
            header = [f"Generalized by ddcompile {ddcompile.__version__}: {self.known}.", *self.generalization.notes]
            return to_files(self.rule, Path(path), header, self.generalization.annotate)
        header = []
        if self.repeats:
            header = [f"Made by ddcompile {ddcompile.__version__}: {self.known}."]
        elif self.verdict is not None and self.verdict.fidelity is not None:
            fidelity = self.verdict.fidelity
            header = [f"Surrogate by ddcompile {ddcompile.__version__}: {fidelity}."]
        elif self.network_sha256:
            verdict = f", {self.known}" if self.known else ""
            header = [f"Distilled by ddcompile {ddcompile.__version__}{verdict}."]
        if self.network_sha256:
            header.append(f"Network: {self.network_sha256}")
        return to_files(self.rule, Path(path), [*header, *label_lines(self.labels)])

    def save(self, path: str | Path) -> None:
        """Write the rule to a file; large constants go to `NAME.HASH.npy` files beside it, which `load` finds.

        Raises
        ------
        CompileError
            U003 if a file cannot be written; then none is.
        """
        from ddcompile.files import write_files

        write_files(self.files(path))
