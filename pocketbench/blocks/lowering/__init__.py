"""One block, one set of weights, one formula: the graph forms in which it costs least on each runtime."""
