"""Devices that stand in for real ones, and tests over them."""
