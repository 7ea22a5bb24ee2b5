"""Karbor plugins that protect the databases of Trove."""
