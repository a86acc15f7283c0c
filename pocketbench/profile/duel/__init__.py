"""Two files against each other on one engine, in pairs of lives."""
