"""The real services on loopback, for tests and for the demo."""
