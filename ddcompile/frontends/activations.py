"""Decide the activation of every layer from what the file says and what the user says."""

from __future__ import annotations

from collections.abc import Sequence

from ddcompile.diagnostics import fail
from ddcompile.frontends.network import ACTIVATIONS

__all__ = ["choose"]

_KNOWN = f"known activations: {', '.join(ACTIVATIONS)}"


def choose(given: Sequence[str | None], option: str | None, place: str) -> list[str]:
    """One activation a layer.

    Parameters
    ----------
    given : sequence of str or None
        What the file says of each layer.
    option : str, optional
        A name for every layer, with commas; or one name for all but the last, which is then "identity". It fills in
        what the file leaves open.
    place : str
        The file, for messages.

    Raises
    ------
    CompileError
        N105 for an unknown name or one that contradicts the file, N109 if a layer is left without one.
    """
    names = [] if option is None else [name.strip() for name in option.split(",")]
    for name in names:
        if name not in ACTIVATIONS:
            raise fail("N105", f"unknown activation `{name}`", place="activation", hint=_KNOWN)
    each = len(names) == len(given)
    if len(names) > 1 and not each:
        message = f"the option names {len(names)} activations, but the network has {len(given)} layers"
        raise fail("N105", message, place=place, hint="one name is for all layers but the last")
    last = len(given) - 1
    chosen = []
    for k, said in enumerate(given):
        wanted = names[k] if each else names[0] if names and k < last else None
        if said is not None and said not in ACTIVATIONS:
            raise fail("N105", f"layer {k}: unknown activation `{said}`", place=place, hint=_KNOWN)
        if said is not None and wanted is not None and said != wanted:
            raise fail("N105", f"layer {k}: the file says `{said}`, the option `{wanted}`", place=place)
        if said is None and wanted is None and k < last:
            hint = "say it: --activation sign"
            raise fail("N109", f"layer {k}: the activation is not known", place=place, hint=hint)
        chosen.append(said or wanted or "identity")
    return chosen
