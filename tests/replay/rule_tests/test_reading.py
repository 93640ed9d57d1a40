"""Mistakes of a test file: all of them at once, each at its place, with what would be right."""

import pytest

from replay.rule_tests.suites import BAD, GOOD, RULES, a_test, cases, read
from watchdog.domain.rollout import SwitchKind

TWO_GUARDS = RULES.replace(
    "[rules.errors]",
    '[guards.web]\ntargets = ["web/deployment/web"]\nrules = ["errors"]\npreset = "express"\n\n[rules.errors]',
    1,
)
WRONG = [
    ('expect = { errors = "brech" }', "brech", '"brech" is no verdict; did you mean "breach"?'),
    ('expect = { errors = "breach within 90" }', '90"', '"90" is no duration; write it like 90s'),
    ('expect = { errors = "breach in 90s" }', "in 90s", '"in" is not understood here'),
    ('expect = { errors = "breach within" }', '" }', "within has no time; write within 90s"),
    ('expect = { errors = "breach at 90s" }', "at 90s", "so there is no breach at a moment; write breach within 90s"),
    ('expect = { errors = "breach after 90s within 30s" }', "after 90s", "would have to end before it begins"),
    ('expect = { errors = "pass after 3s" }', "after 3s", "after is for a breach alone"),
    ('expect = { errors = "breach within 20m" }', '"breach within', "the watch ends 10m after the switch, before 20m"),
    ('expect = { eror = "pass" }', "eror", 'guard "shop" has no rule "eror"; did you mean "errors"?'),
    ('first = "latncy"', '"latncy', 'has no rule "latncy"; did you mean "latency"?'),
    ('outcome = "rolledback"', "rolledback", 'is no outcome of a rule test; did you mean "rolled-back"?'),
    ('outcome = "passed by 3m"', "by 3m", '"by 3m" is not understood after an outcome'),
    ('outcome = "held"\nprobes = { health = "200x3 5o3" }', "5o3", '"5o3" is no answer to a probe'),
    ('outcome = "held"\nprobes = { errors = "200" }', "errors", 'has no probe rule "errors"'),
    ('outcome = "held"\nprobes = { health = { "{{ pod }}-1" = "200" } }', '"{{ pod', "{{ pod }} is no placeholder"),
    ('outcome = "held"\nsigns = { crash-lop = "40s" }', "crash-lop", 'is no sign; did you mean "crash-loop"?'),
    (
        'outcome = "held"\nsigns = { not-ready = { from = "9s", until = "8s" } }',
        '"8s',
        "the sign ends before it begins",
    ),
    ('outcome = "held"\nbackground = "healty"', '"healty', 'there is no background "healty"'),
    ('outcome = "held"\ninterval = "15"', '15"', '"15" is no duration'),
    ('outcome = "held"\nkind = "selector"\ntarget = "production/deployment/shop"', '"selector', "is no switch of one"),
    (
        'outcome = "held"\ntarget = "production/deployment/shopp"',
        '"production',
        "does not guard production/deployment/shopp",
    ),
    ('outcome = "held"\nready = "1m"\ncomplete = "30s"', '"30s', "complete before its pods are ready"),
    ('outcome = "held"\nlimits = { memory = "1 gig" }', "1 gig", '"1 gig" is no quantity'),
    ('outcome = "held"\nexpects = 3', "expects", '"expects" is no key of [[tests]]; did you mean "expect"?'),
    ('outcome = "held"\nbake = "3m"', "bake", '"bake" is no key of [[tests]]; it is a key of [guards.NAME]'),
    ('interval = "15s"', "[[tests]]", "the test expects nothing; add expect"),
]


@pytest.mark.parametrize(("keys", "spot", "said"), WRONG, ids=[one[2][:40] for one in WRONG])
def test_a_mistake_is_named_at_its_place_with_what_would_be_right(keys: str, spot: str, said: str) -> None:
    text = a_test(keys)
    report = read(text)
    assert report.cases is None
    (mistake,) = report.mistakes
    assert said in f"{mistake.message}; {mistake.remedy}"
    line = text.splitlines()[mistake.line - 1]
    assert line[mistake.column - 1 :].lstrip("[").startswith(spot.lstrip("[")), line[mistake.column - 1 :]


@pytest.mark.parametrize(
    ("series", "spot", "said"),
    [
        ("'http_requests_totl{pod=\"x\"}' = '1'", "http_requests_totl", 'did you mean "http_requests_total"?'),
        (
            "'http_requests_total{pod=\"{{ canary }}\"}' = '1'",
            "{{ canary",
            "{{ canary }} is no placeholder of a series",
        ),
        ("'http_requests_total{pod=~\"x\"}' = '1'", "pod=~", 'no pattern; write pod="VALUE"'),
        ("'sum(x)' = '1'", "sum(x)", "is no series but an expression"),
        ("'http_requests_total{' = '1'", "http_requests_total{", "is no series"),
        ("'http_requests_total{pod=\"x\"}' = '0+10'", "0+10", "say how often, as in 0+10x60"),
        ("'http_requests_total{pod=\"x\"}' = 5", "5", "write it like '0+10x60'"),
        ("'http_requests_total{pod=\"x\"}' = '{{schema:1}}x3'", "{{schema", "native histograms"),
        (
            "'http_requests_total{a=\"1\", b=\"2\"}' = '1'\n'http_requests_total{b=\"2\", a=\"1\"}' = '1'",
            "'http_requests_total{b",
            "the same series as",
        ),
    ],
)
def test_a_wrong_series_is_named_at_its_place(series: str, spot: str, said: str) -> None:
    text = a_test('outcome = "held"', series)
    (mistake,) = read(text).mistakes
    assert said in f"{mistake.message}; {mistake.remedy}"
    assert text.splitlines()[mistake.line - 1][mistake.column - 1 :].startswith(spot)


def test_all_mistakes_are_reported_at_once_in_the_files_order() -> None:
    text = 'guard = "shop"\nswitch = "ten"\n\n' + a_test(
        'expect = { errors = "brech", latncy = "pass" }', "'sum(x)' = '0+1'"
    )
    assert [mistake.line for mistake in read(text).mistakes] == [2, 6, 6, 9, 9]


def test_what_is_no_toml_is_one_mistake_at_its_place() -> None:
    (mistake,) = read('[[tests]]\nname = "x\n').mistakes
    assert (mistake.line, mistake.message.startswith("no TOML")) == (2, True)


def test_a_file_without_tests_says_how_to_get_one() -> None:
    (mistake,) = read("# nothing yet\n").mistakes
    assert "watchdog test --new RULE writes one" in mistake.remedy


def test_two_tests_of_one_name_are_a_mistake() -> None:
    (mistake,) = read(a_test('outcome = "held"') + a_test('outcome = "held"')).mistakes
    assert "the test of line 1 has this name already" in mistake.message


def test_where_rules_toml_has_several_guards_a_test_names_its_own() -> None:
    (mistake,) = read(a_test('outcome = "held"'), TWO_GUARDS).mistakes
    assert mistake.message == "rules.toml has 2 guards, and the test names none"
    assert read(a_test('outcome = "held"\nguard = "web"'), TWO_GUARDS).mistakes == ()
    assert read('guard = "web"\n' + a_test('outcome = "held"'), TWO_GUARDS).mistakes == ()


def test_a_series_of_its_own_takes_the_place_of_the_backgrounds() -> None:
    background = f"[background.healthy]\n{GOOD}\n"
    own = '\'http_requests_total{pod="{{ candidate }}-1", status="2xx", namespace="production"}\' = \'0+7x40\''
    (case,) = cases(background + a_test('background = "healthy"\noutcome = "held"', own))
    assert sorted(line.values for line in case.series) == ["0+200x40", "0+7x40"]


def test_a_background_that_no_test_has_is_a_warning() -> None:
    report = read(f"[background.healthy]\n{GOOD}\n" + a_test('outcome = "held"'))
    assert [warning.message for warning in report.warnings] == ['no test has background "healthy"']


def test_a_series_of_a_background_that_no_rule_asks_for_is_a_mistake() -> None:
    background = "[background.healthy]\n'htp_requests_total' = '1'\n\n"
    (mistake,) = read(background + a_test('outcome = "held"\nbackground = "healthy"')).mistakes
    assert mistake.line == 2
    assert mistake.remedy == 'did you mean "http_requests_total"?'


def test_series_that_name_the_candidate_begin_with_the_switch_and_pods_are_those_of_the_series() -> None:
    (case,) = cases(a_test('outcome = "held"', BAD.replace("{{ candidate }}-1", "{{ candidate }}-b7")))
    assert [line.from_switch for line in case.series] == [False, True, True]
    assert case.switch.candidate == ("shop-7c9d8f6b5-b7",)
    assert case.switch.stable == ("shop-5f7d4b8c6-1",)


def test_a_flip_is_of_the_guards_service_and_its_colours() -> None:
    (case,) = cases(
        a_test('kind = "selector"\noutcome = "held"', "'http_requests_total{pod=\"{{ candidate }}-1\"}' = '1'")
    )
    assert (str(case.switch.target), case.switch.kind) == ("production/service/front", SwitchKind.SELECTOR)
    assert case.series[0].labels["pod"] == "front-green-7c9d8f6b5-1"


def test_windows_line_ends_and_a_byte_order_mark_move_no_place() -> None:
    text = a_test('expect = { errors = "brech" }')
    marked = "\ufeff" + text.replace("\n", "\r\n")
    assert [(m.line, m.column) for m in read(marked).mistakes] == [(m.line, m.column) for m in read(text).mistakes]
