"""The parts of attention_overhead.py."""
