"""The composition root of `watchdog dry-run`: the daemon's engine at a laptop, with nothing to write to.

`connecting` reaches the cluster and Prometheus, `following` watches what happens from now on, `looking_back` judges a
moment as if a switch had happened then.
"""
