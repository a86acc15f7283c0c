"""Accuracies: published reference values."""
