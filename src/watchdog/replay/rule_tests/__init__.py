"""Rule tests: synthetic series and a switch in, the verdicts expected of each rule out, through the code of the daemon.

`reading` turns rules.test.toml into cases or names its mistakes, `running` drives the engine's own watch over the
series on simulated time, `checking` compares with what was expected, `first_test` writes a first test of a rule.
"""
