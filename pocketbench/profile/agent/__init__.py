"""All that travels to boards: Python 3.9, importing the standard library and this folder alone; numpy and a runtime
are imported inside functions."""
