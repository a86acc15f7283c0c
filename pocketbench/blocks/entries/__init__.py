"""What is known of each attention block without importing it."""
