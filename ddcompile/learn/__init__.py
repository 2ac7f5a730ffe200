"""Learning: essence networks from data, built from planes instead of by gradient descent; and surrogates."""

from __future__ import annotations

from ddcompile.learn.essence import Essence
from ddcompile.learn.estimator import ENNClassifier
from ddcompile.learn.relevance import Relevance
from ddcompile.learn.surrogates import Tree

__all__ = ["ENNClassifier", "Essence", "Relevance", "Tree"]
