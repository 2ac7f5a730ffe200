"""Trees and ensembles of them, of whatever framework: exact comparisons of inputs, exact sums of leaves.

| code | what is wrong |
|---|---|
| N801 | arrays that are no tree, or trees that do not fit together |
| N802 | cuts or leaves that are no finite numbers |
| N803 | a file that is no model of XGBoost or LightGBM |
| N804 | something in such a file that is not imported |
"""

from ddcompile.frontends.trees.ensemble import Ensemble, Tree

__all__ = ["Ensemble", "Tree"]
