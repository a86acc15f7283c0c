"""From anybody's network to one whose attention exports well: the same function, the same weights, other operators."""
