"""What other programs print about a model, read strictly: what is not understood is an error that shows it."""
