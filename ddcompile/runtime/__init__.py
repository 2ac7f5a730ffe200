"""Arrays in and out, and threads."""
