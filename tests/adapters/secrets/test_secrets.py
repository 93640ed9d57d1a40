"""Where secrets are found, and where they must not be."""

import json
from pathlib import Path

import pytest

from watchdog.adapters.secrets import Redactor, SecretMissing, SecretReader

CANARY = "CANARY0123456789abcd"


def test_a_file_comes_before_the_variable(tmp_path: Path) -> None:
    (tmp_path / "SLACK_URL").write_text(f"{CANARY}\n")
    reader = SecretReader(tmp_path, {"WATCHDOG_SECRET_SLACK_URL": "other", "WATCHDOG_SECRET_KEY": "from the variable"})
    assert reader("SLACK_URL") == CANARY
    assert reader("KEY") == "from the variable"


def test_a_secret_in_a_mounted_volume_is_a_symlink_and_a_rotated_one_is_taken_up(tmp_path: Path) -> None:
    for generation, value in (("..1", "first-value"), ("..2", "second-value")):
        (tmp_path / generation).mkdir()
        (tmp_path / generation / "KEY").write_text(value)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "KEY").symlink_to("..data/KEY")
    reader = SecretReader(tmp_path, {})
    assert reader("KEY") == "first-value"
    (tmp_path / "..next").symlink_to("..2")
    (tmp_path / "..next").rename(tmp_path / "..data")
    assert reader("KEY") == "second-value"
    assert reader.redact("first-value second-value") == "[secret] [secret]"


@pytest.mark.parametrize("name", ["../KEY", "..data", "a/b", "/etc/passwd", "", ".", "a\nb", "a\x00b", "x" * 300])
def test_a_name_that_is_a_path_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "KEY").write_text(CANARY)
    (tmp_path / "inside").mkdir()
    with pytest.raises(SecretMissing, match="is no name of a secret"):
        SecretReader(tmp_path / "inside", {})(name)


def test_a_missing_secret_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(SecretMissing) as caught:
        SecretReader(tmp_path, {})("KEY")
    assert str(caught.value) == (
        f"the secret KEY is missing: there is no file {tmp_path / 'KEY'}, no variable WATCHDOG_SECRET_KEY"
    )
    with pytest.raises(SecretMissing, match=r"there is no variable WATCHDOG_SECRET_KEY$"):
        SecretReader(None, {})("KEY")


def test_a_secret_that_cannot_be_used_says_why_and_shows_nothing(tmp_path: Path) -> None:
    (tmp_path / "EMPTY").write_text(" \n")
    (tmp_path / "BINARY").write_bytes(b"\xff" + CANARY.encode())
    (tmp_path / "LARGE").write_text(CANARY * 10_000)
    (tmp_path / "FOLDER").mkdir()
    reader = SecretReader(tmp_path, {"WATCHDOG_SECRET_EMPTY": CANARY})
    for name, why in (
        ("EMPTY", "is empty"),
        ("BINARY", "not UTF-8"),
        ("LARGE", "larger"),
        ("FOLDER", "cannot be read"),
    ):
        with pytest.raises(SecretMissing, match=why) as caught:
            reader(name)
        assert "CANARY" not in f"{caught.value!r}"


def test_nothing_shows_a_secret_by_accident(tmp_path: Path) -> None:
    reader = SecretReader(tmp_path, {"WATCHDOG_SECRET_KEY": CANARY})
    reader("KEY")
    assert "CANARY" not in f"{reader!r} {reader.redact!r}"


@pytest.mark.parametrize(
    ("secret", "leak"),
    [
        (
            "slack://T05AAAAAA/B05BBBBBB/TIiajkdnlazkcOXrIdevi7",
            "POST /services/T05AAAAAA/B05BBBBBB/TIiajkdnlazkcOXrIdevi7",
        ),
        ("https://hooks.example.com/services/x/TIiajkdnlazkcOXrIdevi7?a=b", "/services/x/TIiajkdnlazkcOXrIdevi7"),
        ("mailtos://me:TIiajkdnlaz%40Rest@mail.example.com", "login with TIiajkdnlaz@Rest failed"),
        ("mailtos://me:TIiajkdnlaz@mail.example.com", "login with TIiajkdnlaz failed"),
        ('with "TIiajkdnlaz" and ü', json.dumps({"error": 'with "TIiajkdnlaz" and ü'})),
    ],
)
def test_a_secret_is_hidden_whole_and_in_parts_and_as_json(secret: str, leak: str) -> None:
    redacted = Redactor(secret)(leak)
    assert "TIiajkdnlaz" not in redacted
    assert "[secret]" in redacted


def test_ordinary_words_of_a_url_are_left_readable() -> None:
    redact = Redactor("https://hooks.example.com/services/releases/TIiajkdnlazkcOXrIdevi7")
    assert redact("channel releases at hooks.example.com") == "channel releases at hooks.example.com"


def test_a_short_secret_is_not_hunted_in_ordinary_words() -> None:
    assert Redactor("on", "")("once upon") == "once upon"
    assert Redactor()("text") == "text"


def test_what_is_no_url_is_still_hidden_whole() -> None:
    assert Redactor("http://[broken")("at http://[broken") == "at [secret]"
