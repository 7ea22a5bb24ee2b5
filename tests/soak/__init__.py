"""Soak test: many checkpoints of real databases with network faults."""
