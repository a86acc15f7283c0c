"""The speed gate: which files are compared, what may differ, and the verdict of each cell."""
