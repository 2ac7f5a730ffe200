"""Kernel IR: loops over flat buffers with exact integers, lowered from rules and printed by back ends."""
