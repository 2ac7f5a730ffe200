"""Certificates, the checker that proves their steps again, and the comparison of rules."""
