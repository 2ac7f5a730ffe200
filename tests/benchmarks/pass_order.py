"""What every pass of the default pipeline is worth, and whether it comes at the right place::

    python tests/benchmarks/pass_order.py [--only PATTERN] [--shuffle SEED]

Distills small instances of `ddcompile.testing.structures`, by default some that are distilled fast, with the default
pipeline, then without each of its steps in turn, then with each step after the one that follows it. Prints a line a
step: by how much the costs of all rules together grow, for how many structures they grow or shrink, and the processor
time against that of the default. A step that is worth nothing here may be worth something for other structures.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from fnmatch import fnmatch
from unittest.mock import patch

import ddcompile as dd
from ddcompile.passes import pipeline
from ddcompile.passes.spec import parse_pipeline
from ddcompile.testing.structures import STRUCTURES

SAMPLE = (
    "wrapped_diagonals",
    "triangles",
    "channels",
    "strided_cube",
    "rank",
    "parity_blocks",
    "mixed",
    "prefix_maxima",
    "rule105_minterms",
    "prefix_and",
    "maximum_tree",
    "larger",
    "gated_count",
    "residue",
    "sparse_counts",
    "latches",
    "opening",
    "peaks",
    "equal_words",
)
"""Structures that are distilled fast."""


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="PATTERN", help="structures by name, such as 'rule*'")
    parser.add_argument("--shuffle", type=int, default=0, help="the disguise of the networks (default 0)")
    options = parser.parse_args()
    names = [n for n in STRUCTURES if (fnmatch(n, options.only) if options.only else n in SAMPLE)]
    if not names:
        print(f"no structure matches {options.only}", file=sys.stderr)
        return 2
    steps = [str(step) for step in parse_pipeline(pipeline.DEFAULT, pipeline.PASSES)]
    measured(steps, names, options.shuffle)  # what is remembered is so for all pipelines
    costs, seconds = measured(steps, names, options.shuffle)
    print(f"{len(names)} structures, cost {sum(costs)}, {seconds:.1f} s\n")
    print(f"{'':4}{'step':46}{'without it':>28}{'after the next':>28}")
    print(f"{'':50}" + f"{'cost':>9}{'more':>6}{'less':>6}{'time':>7}" * 2)
    for k, step in enumerate(steps):
        without = [*steps[:k], *steps[k + 1 :]]
        later = [*steps[:k], *steps[k + 1 : k + 2], step, *steps[k + 2 :]]
        line = f"{k + 1:3} {step:46}"
        for other in (without, later):
            if other == steps:
                break
            found, spent = measured(other, names, options.shuffle)
            more = sum(new > old for new, old in zip(found, costs, strict=True))
            less = sum(new < old for new, old in zip(found, costs, strict=True))
            line += f"{sum(found) - sum(costs):+9}{more:6}{less:6}{spent / seconds:7.2f}"
        print(line, flush=True)
    return 0


def measured(steps: Sequence[str], names: Sequence[str], seed: int) -> tuple[list[int], float]:
    """The costs of rules by a pipeline, and the processor time."""
    costs, seconds = [], 0.0
    for name in names:
        structure = STRUCTURES[name].build(*STRUCTURES[name].small)
        network = structure.network(seed)
        start = time.process_time()
        with patch.object(pipeline, "DEFAULT", ",".join(steps)), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = dd.distill(network, structure.inputs, structure.outputs, structure.head, structure.rule.name)
        seconds += time.process_time() - start
        costs.append(program.cost)
    return costs, seconds


if __name__ == "__main__":
    sys.exit(main())
