"""What each operator of a model takes, and where in the network it stands."""
