"""Attention blocks and backbones in operators that export well to every format."""
