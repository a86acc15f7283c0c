"""Records, errors, registry, store: what every stage shares. Standard library alone at module level."""
