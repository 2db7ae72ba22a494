"""Several processes that speak HTTP, before one queue and one pool of workers."""
