"""What the speed gate found, in the formats that people and other programs read."""
