"""Write the essence network of line orientation: `python make.py [--size 28] [--seed SEED] [-o orientation.npz]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddcompile.testing.builders import orientation, save


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=28, help="height and width of the image (28)")
    parser.add_argument("--seed", type=int, help="shuffle the units of both hidden layers")
    parser.add_argument("-o", "--output", type=Path, default=Path("orientation.npz"))
    given = parser.parse_args()
    save(orientation(given.size, given.seed), given.output)


if __name__ == "__main__":
    main()
