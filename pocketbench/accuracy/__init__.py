"""Accuracies: data sets, training, published reference values."""
