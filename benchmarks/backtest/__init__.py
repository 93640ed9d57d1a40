"""A long history in a real Prometheus, and how long a backtest of it takes."""
