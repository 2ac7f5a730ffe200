"""Write one step of Wolfram's rule 30 on a ring of 20 cells: `python make.py [--seed SEED] [-o rule30.npz]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddcompile.testing.builders import rule30, save


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="shuffle the conjunctions")
    parser.add_argument("-o", "--output", type=Path, default=Path("rule30.npz"))
    given = parser.parse_args()
    save(rule30(given.seed), given.output)


if __name__ == "__main__":
    main()
