"""What joins the stages: suites, cached export, interleaved profiling, the report."""
