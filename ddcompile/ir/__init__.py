"""The rule IR: nodes, text, types, and the verifier."""
