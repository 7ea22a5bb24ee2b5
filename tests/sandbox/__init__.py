"""The sandbox: real services on loopback, for the tests and the demo."""
