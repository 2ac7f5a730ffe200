"""Small networks made to find a step of the distiller that is not true, and their exact values by other means.

`FAMILIES` lists the generators by name; each makes a network from a seeded generator of random numbers. `exact` works
out what it gives for every input, in integers straight from the weights; it shares no code with the package.
`outcomes` works through thousands of them in processes that may be lost.
"""

from ddcompile.testing.attack.families import FAMILIES
from ddcompile.testing.attack.target import Target
from ddcompile.testing.attack.trial import Trial, attempt
from ddcompile.testing.attack.workers import Limits, Lost, outcomes

__all__ = ["FAMILIES", "Limits", "Lost", "Target", "Trial", "attempt", "outcomes"]
