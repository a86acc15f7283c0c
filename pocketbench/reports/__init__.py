"""The latency-vs-accuracy table as Markdown, CSV, JSON and one HTML page."""
