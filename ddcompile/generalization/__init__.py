"""One rule for every size, from programs of several sizes.

    rules of fixed sizes --template--> common rule with holes --solve, fill--> rule with sizes --specialize--> proved

- `signatures`       what statements and operands look like apart from their numbers: which belong together
- `template`, `unify`, `comparisons`, `holes`   the common rule; every number that differs is a hole
- `sizes`, `times`   the sizes that the shapes of the inputs have, and a number of steps that no shape tells
- `fit`, `rounding`, `polynomials`, `solve`     exact functions of the sizes for the holes, of few coefficients
- `origins`          one way to write ranges, where programs have different ones
- `fill`             the rule with sizes; fractions are multiplied through
- `propose`, `evidence`, `refusals`             which programs are used, what is proved, and why it is refused

Nothing here proves: `generalize` is told by its caller whether the rule, at the given sizes, is what was given.
"""

from __future__ import annotations

from ddcompile.generalization.evidence import Assumption, Evidence, Generalization
from ddcompile.generalization.propose import Generalized, generalize

__all__ = ["Assumption", "Evidence", "Generalization", "Generalized", "generalize"]
