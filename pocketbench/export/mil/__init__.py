"""Core ML's ML programs without Core ML: read a saved package, evaluate its operators, count what it holds."""
