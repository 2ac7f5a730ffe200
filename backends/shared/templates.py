"""Jinja templates: only the frame of an emitted file. No other module imports jinja2."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

__all__ = ["render"]


@cache
def _environment(package: str) -> Environment:
    folder = files(package)
    return Environment(
        loader=FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(package: str, template: str, **values: Any) -> str:
    """Fill the template file `template` of `package`; a name that the template uses and nobody gives is an error."""
    return _environment(package).get_template(template).render(**values)
