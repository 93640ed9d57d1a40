"""The real Flagger and the real Argo Rollouts beside the watchdog, on a real control plane with the same Prometheus."""
