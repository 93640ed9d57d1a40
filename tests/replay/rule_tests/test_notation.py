"""promtool's notation of series, held to promtool itself."""

import json
import math
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from simulator.prometheus.real import needs_prometheus
from watchdog.replay.rule_tests.notation import MOST_SAMPLES, Sample, samples_of
from watchdog.rulebook.mistakes import Fault
from watchdog.simulator.tsdb import STALE

EXPRESSIONS = (
    "0+10x60",
    "1 2 3",
    "_",
    "_x3",
    "0+10x6 _x3 5",
    "stale",
    "1 stale 2",
    "5x3",
    "5x0",
    "1+0x4",
    "100-10x9",
    "-5",
    "+5",
    "-5x3",
    "-5+2.5x4",
    "0.1+0.1x20",
    "1e3",
    "1e3x2",
    "1e+2x3",
    "2.5e-3+1e-3x5",
    "1-2e1x3",
    ".5 .5x2",
    "5.",
    "0x5",
    "007",
    "NaN 1 nan",
    "Inf -Inf +Inf",
    "-Inf+1x3",
    "NaN+1x2",
    "1  2\t3   _x2   4",
    "  7 8  ",
    "0+200x4 stale _x2 0+100x3",
    "3 _ 4 _ 5",
    "1000000-0.001x7",
    "_x0 1",
    "",
)
WRONG = (
    "1+2",
    "0+10x",
    "5x2.0",
    "1+-2x3",
    "_ x3",
    "0x1F",
    "1_000",
    "_x",
    "__",
    "5x",
    "1,2",
    "STALE",
    "stalex3",
    "0x1x2",
    "Infx3",
    "NaNx3",
    "1+Infx2",
    "1+x5",
    "_-1x2",
    "1e",
    "abc",
)
_STEP = 60
_LOOK_BACK = 300


def test_a_run_is_its_start_and_as_many_steps() -> None:
    assert samples_of("0+10x3") == (0.0, 10.0, 20.0, 30.0)
    assert samples_of("100-25x2") == (100.0, 75.0, 50.0)
    assert samples_of("5x2") == (5.0, 5.0, 5.0)


def test_what_is_left_out_is_no_sample_and_stale_ends_the_series() -> None:
    assert samples_of("1 _x2 2") == (1.0, None, None, 2.0)
    assert samples_of("1 _ 2") == (1.0, None, 2.0)
    assert samples_of("1 stale")[1] is STALE


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_notation_is_refused_at_its_place(text: str) -> None:
    with pytest.raises(Fault) as caught:
        samples_of(f"1 {text}")
    assert 2 <= caught.value.index <= 2 + len(text)
    assert caught.value.remedy


def test_native_histograms_are_refused_with_what_would_be_right() -> None:
    with pytest.raises(Fault, match=r"native histograms .* NAME_bucket with its label le"):
        samples_of("{{schema:1 sum:-0.3 count:32.1}}x5")


@pytest.mark.parametrize("text", ["0x100001", "1x99999999999999999999", "0x99999 0x99999", "_x200000"])
def test_an_endless_series_is_refused_before_it_is_made(text: str) -> None:
    with pytest.raises(Fault, match=f"more than {MOST_SAMPLES:,} samples"):
        samples_of(text)


@given(st.text(alphabet="0123456789+-x_. eEstalNIf{}\t"))
def test_any_text_is_samples_or_a_fault(text: str) -> None:
    samples: Sequence[Sample] = ()
    index = 0
    try:
        samples = samples_of(text)
    except Fault as fault:
        index = fault.index
    assert 0 <= index <= len(text)
    assert len(samples) <= MOST_SAMPLES


def seen_at(samples: Sequence[Sample], index: int) -> float | None:
    """What an instant query sees at a step: the newest sample of five minutes, unless it is stale."""
    for back in range(_LOOK_BACK // _STEP + 1):
        value = samples[index - back] if 0 <= index - back < len(samples) else None
        if value is not None:
            return None if value is STALE else value
    return None


def a_question(name: str, index: int, value: float | None) -> dict[str, object]:
    """What promtool is asked at a step, and what it must answer."""
    at = f"{index}m"
    if value is not None and math.isnan(value):
        # promtool holds no NaN to be another; that it is one shows where it differs from itself.
        expression, answer, labels = f"count({name} != {name})", 1.0, "{}"
    else:
        expression, answer, labels = name, value, name
    samples = [] if value is None else [{"labels": labels, "value": answer}]
    return {"expr": expression, "eval_time": at, "exp_samples": samples}


def a_promtool_file(expressions: Sequence[str]) -> str:
    """A promtool unit test that holds each expression to what `samples_of` makes of it, step by step."""
    series, questions = [], []
    for number, text in enumerate(expressions):
        name, samples = f'm_{number}{{n="{number}"}}', samples_of(text)
        series.append({"series": name, "values": text})
        questions += [a_question(name, index, seen_at(samples, index)) for index in range(len(samples) + 7)]
        real = [value for value in samples if value is not None and value is not STALE]
        expected = [{"labels": f'{{n="{number}"}}', "value": float(len(real))}] if real else []
        questions.append({"expr": f"count_over_time({name}[3h])", "eval_time": "2h", "exp_samples": expected})
    tests = [{"interval": "1m", "input_series": series, "promql_expr_test": questions}]
    return yaml.safe_dump({"evaluation_interval": "1m", "tests": tests})


def promtool(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "test.yml"
    path.write_text(text, encoding="utf-8")
    return subprocess.run(
        ["promtool", "test", "rules", str(path)], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.prometheus
@needs_prometheus
def test_promtool_reads_every_expression_alike(tmp_path: Path) -> None:
    assert len(EXPRESSIONS) >= 30
    answer = promtool(a_promtool_file(EXPRESSIONS), tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.prometheus
@needs_prometheus
def test_promtool_would_say_so_if_one_sample_were_read_otherwise(tmp_path: Path) -> None:
    text = a_promtool_file(["0+10x5"])
    wrong = text.replace("value: 30.0", "value: 31.0")
    assert wrong != text
    assert promtool(wrong, tmp_path).returncode == 1


@pytest.mark.prometheus
@needs_prometheus
@pytest.mark.parametrize("text", WRONG)
def test_promtool_refuses_what_is_refused_here(text: str, tmp_path: Path) -> None:
    def asked_of(values: str) -> int:
        tests = [{"interval": "1m", "input_series": [{"series": "m", "values": values}]}]
        return promtool(json.dumps({"tests": tests}), tmp_path).returncode

    assert asked_of("1 2") == 0
    assert asked_of(text) != 0
