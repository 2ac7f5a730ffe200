"""The schedule `grid`: bits packed along the inner axis of a grid, 64 elements in a word.

| module | what it does |
|---|---|
| plan, positions | recognise a rule: streams of bits, stages that compute them from neighbours, steps of time |
| expressions, sums, circuits | turn what an element is into a circuit of bits; counts become carry-save adders |
| sharing | keeps sums within rows beside the rows, for the rows around to share |
| streams, passes | what is planned |
| tiles | how a pass goes over the grid: rows in rings, strips of words, several steps at once |
| arithmetic, code, memory, rings, rows, build | print that as a kernel |
"""
