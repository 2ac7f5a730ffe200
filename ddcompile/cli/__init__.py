"""The command line: one command a file, each a thin layer over `ddcompile.driver`."""

from __future__ import annotations

from ddcompile.cli.main import main

__all__ = ["main"]
