"""Learning: essence networks from data, built from pairwise linear separators instead of by gradient descent."""

from __future__ import annotations

from ddcompile.learn.essence import Essence
from ddcompile.learn.estimator import ENNClassifier
from ddcompile.learn.relevance import Relevance

__all__ = ["ENNClassifier", "Essence", "Relevance"]
