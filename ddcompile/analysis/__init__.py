"""Analyses of rules that passes, kernels and proofs share."""
