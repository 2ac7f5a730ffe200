"""One rule for every size, from programs of several sizes.

    rules of fixed sizes --template--> common rule with holes --solve, fill--> rule with sizes --specialize--> proved

Nothing here proves: `generalize` is told by its caller whether the rule, at the given sizes, is what was given.
"""

from __future__ import annotations

from ddcompile.generalization.evidence import Assumption, Evidence, Generalization
from ddcompile.generalization.propose import Generalized, generalize

__all__ = ["Assumption", "Evidence", "Generalization", "Generalized", "generalize"]
