"""What a backtest found, as people read it: each module one form, all made from `replay.report` alone."""
