"""Files of rule tests, read and run as the verb does."""

from watchdog.replay.rule_tests.cases import Case
from watchdog.replay.rule_tests.checking import Result, check
from watchdog.replay.rule_tests.failing import why_failed
from watchdog.replay.rule_tests.reading import Report, read_tests
from watchdog.replay.rule_tests.running import Run, run_case
from watchdog.rulebook import read_rules

RULES = """\
version = 1

[guards.shop]
targets = ["production/deployment/shop", "production/service/front"]
rules   = ["errors", "latency", "queue", "health", "signs", "alerts"]
preset  = "fastapi"

[rules.errors]
when = "http_error_rate > 5%"

[rules.latency]
when = "p95(http_latency) > 2x baseline"

[rules.queue]
when = "queue > 100"

[rules.health]
probe = { path = "/health", port = "http" }

[rules.signs]
signs = ["crash-loop", "oom-killed", "not-ready", "progress-deadline"]

[rules.alerts]
alerts = ["CheckoutErrorsHigh"]

[guards.shop.metrics.queue]
kind  = "gauge"
query = 'max by (pod) (queue_depth{pod=~"{{ pods }}"})'
"""

GOOD = """\
'http_requests_total{namespace="production", pod="{{ stable }}-1", status="2xx"}'    = '0+200x40'
'http_requests_total{namespace="production", pod="{{ candidate }}-1", status="2xx"}' = '0+200x40'
"""
BAD = (
    GOOD
    + """\
'http_requests_total{namespace="production", pod="{{ candidate }}-1", status="5xx"}' = '0+50x40'
"""
)


def a_test(keys: str, series: str = "", name: str = "it") -> str:
    """One test as text."""
    return f'[[tests]]\nname = "{name}"\n{keys}\n\n[tests.series]\n{series}\n'


def read(text: str, rules: str = RULES) -> Report:
    return read_tests(text, read_rules(rules))


def cases(text: str, rules: str = RULES) -> tuple[Case, ...]:
    report = read(text, rules)
    assert report.cases is not None, "\n".join(map(str, report.mistakes))
    return report.cases


def run(keys: str, series: str = "", rules: str = RULES) -> Run:
    """What comes of one test."""
    (case,) = cases(a_test(keys, series), rules)
    return run_case(case)


def failures(keys: str, series: str = "", rules: str = RULES) -> list[str]:
    """What is said of one test: nothing where it passes."""
    done = run(keys, series, rules)
    return [*why_failed(check(done), done)]


def results(text: str, rules: str = RULES) -> tuple[Result, ...]:
    runs = [run_case(case) for case in cases(text, rules)]
    return tuple(Result(one, check(one)) for one in runs)
