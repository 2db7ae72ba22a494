"""One request from bytes to bytes: the pipeline and what it is built from. Knows no HTTP."""
