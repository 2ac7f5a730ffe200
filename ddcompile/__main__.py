"""`python -m ddcompile` is the command `ddcompile`."""

from __future__ import annotations

import sys

from ddcompile.cli import main

if __name__ == "__main__":
    sys.exit(main())
