"""Prometheus, or what speaks its API."""
