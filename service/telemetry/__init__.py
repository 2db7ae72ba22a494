"""What an operator sees: metrics for Prometheus, and log lines."""
