"""The past through the same judge: backtests of rules on what Prometheus remembers."""
