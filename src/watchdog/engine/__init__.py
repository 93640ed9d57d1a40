"""Asynchronous and undecided: it waits, asks the ports, feeds the domain and performs what the domain names."""
