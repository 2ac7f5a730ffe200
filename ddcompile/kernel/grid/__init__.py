"""The schedule `grid`: bits packed along the inner axis of a grid, 64 elements in a word."""
