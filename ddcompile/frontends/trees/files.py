"""Files of tree ensembles, told apart by how they begin."""

from __future__ import annotations

from pathlib import Path

from ddcompile.diagnostics import fail
from ddcompile.frontends.trees.ensemble import Ensemble
from ddcompile.frontends.trees.lightgbm import lightgbm_ensemble
from ddcompile.frontends.trees.xgboost import xgboost_ensemble

__all__ = ["is_ensemble", "read_ensemble"]

_JSON, _TEXT = b"{", b"tree\n"
_MAX_FEATURES = 2**22
"""So many take seconds; more are hardly meant, but damage."""


def is_ensemble(start: bytes) -> bool:
    """Whether a file that begins so is read by `read_ensemble`."""
    return start.lstrip().startswith(_JSON) or start.replace(b"\r", b"").startswith(_TEXT)


def read_ensemble(path: Path) -> Ensemble:
    """Read what XGBoost saves as JSON, or LightGBM as text.

    Raises
    ------
    CompileError
        N801 to N804, see `ddcompile.frontends.trees`.
    """
    data = path.read_bytes()
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise fail("N803", "the file is neither JSON nor text", place=str(path)) from error
    read = xgboost_ensemble if data.lstrip().startswith(_JSON) else lightgbm_ensemble
    ensemble = read(text.replace("\r\n", "\n"), str(path), path.stem)
    if ensemble.inputs > _MAX_FEATURES:
        message = f"the model has {ensemble.inputs:,} features; at most {_MAX_FEATURES:,} are imported"
        raise fail("N804", message, place=str(path))
    return ensemble
