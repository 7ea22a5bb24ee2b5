"""Benchmark: protect and other operations of up to 1,000 databases."""
