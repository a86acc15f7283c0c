"""Does the speed gate find real slowdowns, and does it stay quiet without one? The parts of gate_power.py."""
