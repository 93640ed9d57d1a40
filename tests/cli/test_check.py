"""`watchdog check`, as an editor, a pull request's check and a person call it."""

import json
from pathlib import Path

import jsonschema

from cli.verbs import call
from town import RULES

WRONG = RULES.replace('when = "http_error_rate > 5%"', 'when = "http_error_rate > 5 percent"').replace(
    'for  = "1m"', 'fro  = "1m"', 1
)


def written(folder: Path, text: str, name: str = "rules.toml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_valid_file_exits_0_and_says_what_is_in_it(tmp_path: Path) -> None:
    path = written(tmp_path, RULES)
    result = call("check", path)
    assert result.exit_code == 0
    assert result.stdout == f"{path}: valid; 1 guard, 6 rules, 2 channels\n"
    assert result.stderr == ""


def test_every_mistake_is_named_with_its_place_and_exits_1(tmp_path: Path) -> None:
    path = written(tmp_path, WRONG)
    result = call("check", path)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"{path}:") for line in lines)
    numbers = {int(line.removeprefix(f"{path}:").split(":")[0]) for line in lines}
    text = WRONG.splitlines()
    assert {text[number - 1].split()[0] for number in numbers} == {"when", "fro"}
    assert result.stderr == f"{path}: 2 mistakes\n"


def test_json_is_one_object(tmp_path: Path) -> None:
    wrong = call("check", "-o", "json", written(tmp_path, WRONG))
    answer = json.loads(wrong.stdout)
    assert (wrong.exit_code, answer["valid"], len(answer["findings"])) == (1, False, 2)
    assert all({"line", "column", "message", "remedy"} <= finding.keys() for finding in answer["findings"])
    assert {(finding["kind"], finding["level"]) for finding in answer["findings"]} == {("mistake", "error")}
    right = call("check", "-o", "json", written(tmp_path, RULES))
    assert (right.exit_code, json.loads(right.stdout)["valid"]) == (0, True)


def test_the_schema_accepts_what_is_shipped() -> None:
    result = call("check", "--schema")
    assert result.exit_code == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(result.stdout))


def test_the_file_is_the_one_of_the_setting_and_else_rules_toml(tmp_path: Path) -> None:
    path = written(tmp_path, RULES, "policy.toml")
    assert call("check", RULES=path).stdout.startswith(f"{path}: valid")


def test_a_file_that_cannot_be_read_exits_1_with_one_line(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    result = call("check", str(path))
    assert result.exit_code == 1
    assert result.stderr == f"watchdog: {path} cannot be read: No such file or directory\n"


def test_a_byte_that_is_no_text_is_a_mistake_at_its_place(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_bytes("version = 1\n# é".encode() + b"\xff")
    result = call("check", str(path))
    assert result.exit_code == 1
    assert result.stdout == f"{path}:2:4: this byte is not UTF-8; save the file as UTF-8 text\n"


def test_a_file_without_end_is_not_read_to_it() -> None:
    result = call("check", "/dev/zero")
    assert result.exit_code == 1
    assert result.stderr == "watchdog: /dev/zero is larger than 1024 KiB\n"


def test_a_directory_is_wrong_usage(tmp_path: Path) -> None:
    assert call("check", str(tmp_path)).exit_code == 2


def test_the_repositorys_own_rules_are_valid() -> None:
    own = Path(__file__).parents[2] / "rules.toml"
    result = call("check", str(own))
    assert (result.exit_code, result.stderr) == (0, "")


def test_text_that_is_hostile_stays_one_line_per_mistake(tmp_path: Path) -> None:
    path = written(tmp_path, RULES + '\n[guards."\\u001b[31mred\\n[bold]"]\nselector = "a=b"\n')
    result = call("check", path)
    assert result.exit_code == 1
    assert "\x1b" not in result.output
    assert all(line.startswith(path) for line in result.stdout.splitlines())


def test_annotations_of_a_pull_request_land_on_the_lines_of_the_mistakes(tmp_path: Path) -> None:
    path = written(tmp_path, WRONG)
    result = call("check", "-o", "github", path)
    assert (result.exit_code, result.stderr) == (1, "")
    lines = result.stdout.splitlines()
    numbers = {int(line.partition(",line=")[2].partition(",")[0]) for line in lines}
    text = WRONG.splitlines()
    assert {text[number - 1].split()[0] for number in numbers} == {"when", "fro"}
    assert all(line.startswith("::error file=") for line in lines)


def test_a_byte_that_is_no_text_is_annotated_too(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_bytes("version = 1\n# é".encode() + b"\xff")
    (line,) = call("check", "-o", "github", str(path)).stdout.splitlines()
    assert ",line=2,col=4," in line
    assert line.endswith("::this byte is not UTF-8; save the file as UTF-8 text")


def test_warnings_have_their_severity_in_every_format(tmp_path: Path) -> None:
    path = written(tmp_path, RULES + '\n[channels.nobody]\nurl = "{{ secret.NOBODY }}"\n')
    said = 'no guard uses channel "nobody"'
    text, as_json, github, sarif = (call("check", "-o", kind, path) for kind in ("text", "json", "github", "sarif"))
    assert {one.exit_code for one in (text, as_json, github, sarif)} == {0}
    assert any(said in line and line.endswith("(warning)") for line in text.stdout.splitlines())
    (finding,) = json.loads(as_json.stdout)["findings"]
    assert (finding["kind"], finding["level"]) == ("doubtful", "warning")
    assert github.stdout.startswith("::warning file=")
    (result,) = json.loads(sarif.stdout)["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("doubtful", "warning")


def test_several_files_are_each_checked_and_one_log_holds_them_all(tmp_path: Path) -> None:
    right = written(tmp_path, RULES, "right.toml")
    wrong, other = (written(tmp_path, "version = 1\nrulez = 1\n", name) for name in ("wrong.toml", "other.toml"))
    plain = call("check", right, wrong, other)
    assert plain.exit_code == 1
    assert f"{right}: valid; " in plain.stdout
    assert all(f"{name}:2:1: " in plain.stdout for name in (wrong, other))
    objects = [json.loads(line) for line in call("check", right, wrong, "-o", "json").stdout.splitlines()]
    assert [(one["file"], one["valid"]) for one in objects] == [(right, True), (wrong, False)]
    (run,) = json.loads(call("check", wrong, other, "-o", "sarif").stdout)["runs"]
    places = {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in run["results"]}
    assert places == {wrong, other}
    assert call("check", right, wrong, "--live").exit_code == 2
