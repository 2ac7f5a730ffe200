"""Import torch modules, traced by torch.fx: every operation becomes exact layers, or a diagnostic that says where.

What torch.export gives is imported by `exported`.

| code | what is wrong |
|---|---|
| N401 | the forward pass cannot be traced: its course depends on values |
| N402 | an operation that is not imported |
| N403 | the module is in training mode, and something in it depends on that |
| N404 | a compiled, scripted or quantised module, or one with hooks |
| N405 | a parameter that holds no numbers |
| N406, N407 | batch norm that is not exact where it stands (`fuse_batch_norm` merges it) |
| N409 | an argument with which an operation is not exact or not imported |
| N410 | shapes that do not fit |
| N411 | the samples of a batch are mixed |
| N412 | a number type at which the operation is another, or rounds |
"""

from ddcompile.frontends.torch.calling import function_of
from ddcompile.frontends.torch.exporter import module_of
from ddcompile.frontends.torch.importer import is_module, network_of

__all__ = ["function_of", "is_module", "module_of", "network_of"]
