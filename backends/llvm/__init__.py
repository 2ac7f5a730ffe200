"""The LLVM back end: text, object code, and the just-in-time compiler."""
