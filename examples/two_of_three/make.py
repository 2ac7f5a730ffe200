"""Write a majority vote as training leaves it, with uneven weights: `python make.py [-o two_of_three.npz]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddcompile.testing.builders import save, two_of_three


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("two_of_three.npz"))
    save(two_of_three(), parser.parse_args().output)


if __name__ == "__main__":
    main()
