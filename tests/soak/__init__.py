"""Many checkpoints of real databases, with a bad network below them."""
