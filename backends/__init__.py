"""Back ends: targets that print rules and kernels as Python, C and LLVM IR."""
