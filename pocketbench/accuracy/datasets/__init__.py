"""Data sets: one file a format, `catalog.open_dataset` for all."""
