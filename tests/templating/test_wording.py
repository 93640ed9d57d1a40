"""A channel's own words: what they may say, that a mistake in them is found, and that no template runs away."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.notifiers.standin import a_notice
from watchdog.domain.channels import Template, Topic
from watchdog.domain.effects import Notice, Severity
from watchdog.domain.trial import trial
from watchdog.templating import VARIABLES, RenderingFailed, TemplateFault, Wording, checked
from watchdog.templating.filters import FILTERS, LONGEST
from watchdog.templating.samples import samples

DOCS = (Path(__file__).parents[2] / "docs" / "notices.md").read_text()
HOSTILE = "{{ 7*7 }} {% for %} <!channel> \u202e\n\x00" + "x" * 10_000


def worded(title: str | None = None, body: str | None = None, notice: Notice | None = None) -> Notice:
    return Wording(Template(title, body)).of(notice or a_notice())


def test_a_title_and_a_body_are_told_in_the_channel_s_words_and_the_facts_stay() -> None:
    notice = a_notice(facts={"rule": "error-rate", "value": "8.1 %", "guard": "shop"})
    told = worded(
        "{{ name|upper }} ({{ namespace }}): {{ rule }} {{ value or 'nothing' }}",
        "{% if topic in ('held', 'rolled-back') %}\nLook at {{ link }}\n{% endif %}\n"
        "{% for line in lines %}\n{{ loop.index }}. {{ line }}\n{% endfor %}\nLimit {{ limit|default('unknown') }}",
        notice,
    )
    assert told.title == "RESEARCH (production): error-rate 8.1 %"
    assert told.lines == (
        "Look at https://watchdog.example.com/api/watches/w1",
        "1. http_error_rate 8.1 % > 5 % since 12:00:15, 162 of 2,000 requests",
        "2. back on research-5d4f",
        "Limit unknown",
    )
    assert replace(told, title=notice.title, lines=notice.lines) == notice


def test_what_is_left_out_is_told_as_usual() -> None:
    assert worded(title="x") == a_notice(title="x")
    assert worded(body="x") == a_notice(lines=("x",))
    assert worded(body="") == a_notice(lines=())


def test_a_title_that_makes_nothing_is_told_as_usual() -> None:
    assert worded(title="{{ refusal }}").title == a_notice().title


def test_the_mark_of_a_test_or_a_dry_run_stays_in_front() -> None:
    assert worded("x", notice=a_notice(title="[dry run] y")).title == "[dry run] x"
    assert worded("x", notice=a_notice(title="[dry run] [test] y")).title == "[dry run] [test] x"
    assert worded("x", notice=a_notice(title="[production] y")).title == "x"


def test_a_test_message_shows_what_the_template_makes_of_an_example_and_who_sent_it() -> None:
    told = worded("{{ target }} broke {{ rule }}: {{ value }}", "{{ body }}", trial("releases", "ana", a_notice().at))
    assert told.title == "[test] example/deployment/example broke error-rate: 8.1 %"
    assert "Sent by `watchdog notify-test`, called by ana" in told.lines


def test_what_people_wrote_is_no_template() -> None:
    told = worded("{{ title }}", "{{ body }}\n{{ target }}", a_notice(title=HOSTILE, target=HOSTILE, lines=(HOSTILE,)))
    assert told.title.startswith("{{ 7*7 }} {% for %} <!channel>")
    assert "{{ 7*7 }} {% for %}" in told.lines[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ titel }}", "line 1: there is no variable titel"),
        ("\n\n{{ title|uper }}", "line 3: there is no filter uper"),
        ("{{ title", "cannot be read: unexpected end of template"),
        ("{{ title }", "cannot be read: unexpected '}'"),
        ("{% if rule %}", "cannot be read: Unexpected end of template"),
        ("x\n{{ value > 5 }}", "line 2: a notice of switch cannot be told with it: '>' not supported"),
        ("{{ lines[9] }}", "cannot be told with it: list object has no element 9"),
        ("{{ secret.SLACK_URL }}", "a secret stands in a template"),
        ("{{ rule.upper }}", ".upper is not there"),
        ("{{ title is defined }}", "write {% if rule %}"),
        ("  ", "it makes no title for any notice"),
        ("{{ loop.index }}", "`loop` stands outside of a loop"),
        ("{% for line in lines %}{{ loop.nextitem }}{% endfor %}", ".nextitem is not there"),
        ("{% for line in lines %}{{ loop }}{% endfor %}", "`loop` is no text"),
        ("x" * 4001, "the template has 4001 characters; write at most 4000"),
        ("{% extends 'other' %}", "{% extends %} is not allowed"),
        ("{% include '/etc/passwd' %}", "{% include %} is not allowed"),
        ("{% macro m() %}{{ m() }}{% endmacro %}", "{% macro %} is not allowed"),
        ("{{ title.__class__.__mro__ }}", "is not there"),
        ("{{ title|attr('__class__') }}", "there is no filter attr"),
        ("{{ self }}", "there is no variable self"),
    ],
)
def test_a_mistake_is_found_with_its_line_and_what_would_be_right(text: str, said: str) -> None:
    with pytest.raises(TemplateFault, match=re.escape(said)):
        checked(text, "title")


RUNS_AWAY = [
    "{{ 'x' * 10000000000 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ '%9999999999s' % title }}",
    "{{ title + title }}",
    "{% for i in range(100000) %}x{% endfor %}",
    "{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}",
    "{% for a in lines %}{% for b in lines %}{% for c in lines %}x{% endfor %}{% endfor %}{% endfor %}",
    "{% for c in body %}x{% endfor %}",
    "{% for line in lines recursive %}{{ loop(lines) }}{% endfor %}",
    "{% set a = 'x' %}{% set a = a ~ a %}",
    "{{ title|center(999999999) }}",
    "{{ title|indent(999999999) }}",
    "{{ title|format('%9999999s') }}",
    "{{ '{:9999999999}'.format(title) }}",
    "{{ lipsum(n=100000) }}",
    "{{ title|batch(10)|list }}",
    "{{ " + "(" * 1900 + "title" + ")" * 1900 + " }}",
    "{{ " + "not " * 900 + "title }}",
    "{{ " + "-" * 3000 + "1 }}",
    "{% if title %}" * 100 + "{% endif %}" * 100,
    "{% for line in lines %}" + "{{ body|upper }}" * 200 + "{% endfor %}",
    "{{ body" + "|replace('e', body)" * 5 + " }}",
]


@pytest.mark.parametrize("text", RUNS_AWAY, ids=lambda text: text[:40])
def test_what_could_run_away_is_refused_before_it_is_run(text: str) -> None:
    with pytest.raises(TemplateFault):
        checked(text, "body")


LOUD = a_notice(
    title="e" * 100_000,
    target="e" * 100_000,
    lines=("e" * 100_000,) * 1000,
    facts=dict.fromkeys(("guard", "rule", "why", "query"), "e" * 100_000),
)


@pytest.mark.parametrize(
    "text",
    ["{% for line in lines %}{{ body }}{% endfor %}", "{{ body }}" * 300, "{{ body ~ body }}\n" * 200],
)
def test_however_much_there_is_to_say_a_notice_stays_short(text: str) -> None:
    told = worded(text, text, LOUD)
    assert len(told.title) <= 300
    assert sum(map(len, told.lines)) <= 20_000


def test_a_step_that_grows_beyond_any_notice_fails_and_says_so() -> None:
    with pytest.raises(RenderingFailed, match="no notice is as long"):
        worded(body="{{ query|replace('e', body) }}", notice=LOUD)


pieces = st.sampled_from(
    [
        *("{{ title }}", "{{ body }}", "{{ lines }}", "{{ lines[0] }}", "{{ lines[:2]|join(', ') }}", "{{ rule }}"),
        *("{% if rule %}", "{% else %}", "{% endif %}", "{% for line in lines %}", "{{ line }}", "{% endfor %}"),
        *("{{ value > 5 }}", "{{ title|truncate(9) }}", "{{ query|replace('e', why) }}", "{{ title|length }}"),
        *("{{ loop.index }}", "\n", "text", "{#", "#}", "{% raw %}", "{{", "}}", "{%", "%}", "{{ 'a' if rule }}"),
        *("{{ topic in ['held'] }}", "{{ [body, body]|join(body) }}", "{{ (title, rule)|first }}", "{{ 10**9 }}"),
    ]
)
notices = st.builds(
    a_notice,
    title=st.text(max_size=50),
    target=st.text(max_size=50),
    watch=st.text(max_size=20),
    lines=st.lists(st.text(max_size=50), max_size=5).map(tuple),
    facts=st.dictionaries(st.sampled_from(sorted(VARIABLES)), st.text(max_size=50)),
    topic=st.sampled_from(Topic),
    severity=st.sampled_from(Severity),
)


@given(text=st.lists(pieces, max_size=12).map("".join), notice=notices)
def test_whatever_a_template_says_it_is_refused_or_told_or_fails_with_a_reason(text: str, notice: Notice) -> None:
    try:
        told = Wording(Template(checked(text, "title"), checked(text, "body"))).of(notice)
    except (TemplateFault, RenderingFailed):
        return
    assert told.title.isprintable() or told.title == notice.title
    assert (told.id, told.watch, told.facts, told.topic) == (notice.id, notice.watch, notice.facts, notice.topic)


def test_no_filter_makes_more_than_any_notice_has() -> None:
    much = "e" * (LONGEST // 2)
    assert len(str(FILTERS["replace"](much, "e", "ee"))) == LONGEST
    with pytest.raises(ValueError, match="no notice is as long"):
        FILTERS["replace"](much, "e", "eee")
    with pytest.raises(ValueError, match="no notice is as long"):
        FILTERS["join"]([much, much], much)


def test_there_is_a_sample_of_each_topic() -> None:
    assert {sample.topic for sample in samples()} == set(Topic)


def test_the_documentation_has_every_variable_and_filter() -> None:
    rows = ["| variable | what it is |", "|---|---|", *(f"| `{name}` | {what} |" for name, what in VARIABLES.items())]
    assert "\n".join(rows) in DOCS
    assert ", ".join(f"`{name}`" for name in sorted(FILTERS)) in DOCS
