"""The benchmarks (make bench)."""
