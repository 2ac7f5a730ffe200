"""Write a random network of sign units whose sums are often 0: `python make.py [--seed SEED] [-o random_ties.npz]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddcompile.testing.builders import random_ties, save


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="choose another network")
    parser.add_argument("-o", "--output", type=Path, default=Path("random_ties.npz"))
    given = parser.parse_args()
    save(random_ties(given.seed), given.output)


if __name__ == "__main__":
    main()
