"""Rules as plain sentences: one a statement, derived from its expression."""
