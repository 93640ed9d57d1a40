"""What guarding many releases at once costs: the watchdog, Prometheus and the act, measured on real processes."""
