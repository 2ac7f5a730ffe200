"""One rule for images of every size, from networks for small ones: `python every_size.py [--run 1024] [-o FILE]`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import ddcompile as dd
from ddcompile.testing.builders import orientation
from ddcompile.testing.samples import lines

SIZES = (6, 8, 10, 12)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=int, default=1024, help="height and width of the images to run it on (1024)")
    parser.add_argument("-o", "--output", type=Path, help="where to save the rule")
    given = parser.parse_args()
    programs = []
    for n in SIZES:
        network = orientation(n, seed=n)
        programs.append(dd.distill(network, f"image: bit[{n}, {n}]", head="argmax", name="orientation"))
        print(f"{n} x {n}: {network.parameters:,} parameters, {programs[-1].verdict.status}")
    rule = dd.generalize(programs)
    print(rule)
    print(rule.generalization)
    if given.output is not None:
        rule.save(given.output)
    count = 4
    images = lines(np.random.default_rng(0), count, n=given.run).reshape(count, given.run, given.run)
    run = rule.jit()
    start = time.perf_counter()
    answers = run(images)
    seconds = time.perf_counter() - start
    print(f"{count} images of {given.run} x {given.run}: {answers.tolist()} in {seconds:.2f} s")


if __name__ == "__main__":
    main()
