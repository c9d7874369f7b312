"""What the stories (tests/path) and the benchmarks (tests/load) share."""
