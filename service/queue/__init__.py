"""Between requests and workers: who is admitted, who waits, who is next. Knows no HTTP, no torch, no processes."""
