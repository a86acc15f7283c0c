"""From an attention block to a row of a latency-vs-accuracy table. Importing this module imports nothing else."""

__version__ = "0.1.0"
