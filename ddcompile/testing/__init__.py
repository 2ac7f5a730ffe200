"""What tests are made of: random rules and networks, their inputs, and comparisons of engines and rules.

Nothing here needs more than the base install but `ddcompile.testing.strategies`, which needs Hypothesis.
"""

from ddcompile.testing.differential import assert_engines_agree, assert_equivalent
from ddcompile.testing.generate import random_rule
from ddcompile.testing.networks import network_of

__all__ = ["assert_engines_agree", "assert_equivalent", "network_of", "random_rule"]
