"""Latency of model files on a machine, by worker processes that need little more than one runtime."""
