"""The C back end: standalone C99."""
