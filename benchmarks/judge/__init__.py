"""The judge's bench: policies over the same runs, side by side. `make bench-judge` runs it."""
