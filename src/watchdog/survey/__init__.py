"""What can be found out about a cluster and its Prometheus before anything is guarded; it only reads."""
