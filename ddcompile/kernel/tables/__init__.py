"""The schedule `tables`: rules about bits as gates that are run from constant tables, 64 samples in a word.

| module | what it does |
|---|---|
| nets | gates under construction, many at a time |
| numbers, sums, choices | numbers whose digits are gates: arithmetic, comparisons, selection |
| translate | turns the statements of a rule into gates |
| order | puts gates of one kind side by side and says in which slot of memory each result lies |
| ports | how samples are turned into words and back |
| build | prints all that as a kernel whose length does not depend on the number of gates |
"""
