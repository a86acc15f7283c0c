"""An engine and a runner for pocketbench."""
