"""users fills and shows the table that sources with users = "table" ask."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Place
from trackside.users.base import User
from trackside.users.file import UserFile

CSV = 'email,ID , username\r\nh@x.org,7,honor\r\n"a, b",8,"staff ""S"""\r\n\r\n'
TSV = "id\tusername\n7\thonor\n8\tstaff \\\\S\n"
JSON_LINES = '{"username":"honor","id":7,"email":null}\n\n{"id":"8","username":"stäff"}\n'


def everybody(place: Place) -> list[User]:
    return UserFile(place.data_dir / "users.db").users(after=None, limit=1_000)


@pytest.mark.parametrize(
    ("text", "form", "name"),
    [(CSV, "csv", 'staff "S"'), (TSV, "tsv", "staff \\S"), (JSON_LINES, "jsonl", "stäff")],
)
@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_import(place: Place, text: str, form: str, name: str, told: bool, mark: str) -> None:
    """A list in each format, told or not, with and without a mark of its encoding; other columns do not count."""
    options = ["--format", form] if told else []
    result = place.run("users", "import", "-", *options, stdin=(mark + text).encode())
    assert result.output == "2 added, 0 renamed; there are 2 users\n"
    assert everybody(place) == [User(7, "honor"), User(8, name)]


def test_import_of_a_file(place: Place, tmp_path: Path) -> None:
    """Again and again: users are renamed, added, and on request taken out."""
    path = tmp_path / "users.csv"
    path.write_text("id,username\n7,honor\n8,staff\n")
    place.run("users", "import", str(path))
    path.write_text("id,username\n7,renamed\n9,new\n")
    assert place.json("users", "import", str(path)) == {"added": 1, "changed": 1, "bad": 0, "users": 3}
    result = place.run("users", "import", str(path), "--replace")
    assert result.output == "2 added, 0 renamed; there are 2 users\n"
    assert everybody(place) == [User(7, "renamed"), User(9, "new")]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("id,username\n7,honor\nfoobar,x\n", 3, "an id is a whole number"),
        ("id,username\n7,\n", 2, "a username is 1 to 255 characters"),
        (b"id,username\n7,\xff\n", 2, "a username is 1 to 255 characters in UTF-8"),
        ("id,username\n7\n", 2, "want 2 columns, there are 1"),
        ('id,username\n7,"honor\n8,x\n', 3, "not CSV: unexpected end of data"),
        ("id\tusername\n7\thonor\n8\n", 3, "want 2 columns, there are 1"),
        ('{"id":7,"username":"honor"}\n{"id":8}\n', 2, "missing required field `username`"),
        ('{"id":7,"username":"honor"}\n{"id":true,"username":"x"}\n', 2, "got `bool`"),
        ('{"id":7,"username":"honor"}\n' + '{"a":' * 100_000 + "\n", 2, "want an object"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_line_that_is_no_user(place: Place, text: str | bytes, line: int, reason: str) -> None:
    """It is named, and nothing is imported; or it is told and left out."""
    refused = place.run("users", "import", "-", stdin=text)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"trackside: line {line}: ")
    assert reason in refused.stderr
    assert "nothing was imported: correct the line, or leave it out with --skip-bad" in refused.stderr
    assert everybody(place) == []
    skipped = place.run("users", "import", "-", "--skip-bad", stdin=text)
    assert skipped.exit_code == 0
    assert f"trackside: line {line} is left out: " in skipped.stderr
    assert "1 lines left out" in skipped.stdout


def test_many_lines_that_are_no_user(place: Place) -> None:
    """All are counted, the first hundred are told."""
    result = place.run("users", "import", "-", "--skip-bad", stdin="id,username\n1,a\n" + "x,x\n" * 1_000)
    assert result.stdout == "1 added, 0 renamed, 1,000 lines left out; there are 1 users\n"
    assert result.stderr.count("is left out") == 100
    assert result.stderr.endswith("trackside: more lines are left out\n")


@pytest.mark.parametrize("text", ["", "7,honor\n", "id,name\n7,honor\n", "id\n7\n", "\n", '"id,username\n'])
@pytest.mark.parametrize("options", [[], ["--replace", "--skip-bad"]])
def test_a_list_without_a_head(place: Place, text: str, options: list[str]) -> None:
    """What a program that failed has written empties no table."""
    place.run("users", "import", "-", stdin=TSV)
    result = place.run("users", "import", "-", *options, stdin=text)
    assert result.exit_code == 1
    reason = "does not name the columns id and username" if text else "the list is empty"
    assert reason in result.stderr
    assert len(everybody(place)) == 2


def test_ids_that_are_text(place: Place) -> None:
    """They are taken for what the first one is, unless it is said."""
    place.run("users", "import", "-", "--ids", "text", stdin="id,username\n7,honor\nu-8,staff\n")
    assert everybody(place) == [User("7", "honor"), User("u-8", "staff")]
    refused = place.run("users", "import", "-", "--ids", "integer", stdin="id,username\n7,honor\n")
    assert (refused.exit_code, "replace it whole" in refused.stderr) == (1, True)


def test_no_data_directory(place: Place) -> None:
    """A wrong folder is told, not made."""
    place.data_dir = place.data_dir.with_name("other")
    for arguments in (["import", "-"], ["list"], ["find", "7"], ["remove", "7"]):
        result = place.run("users", *arguments)
        assert (result.exit_code, "there is no data directory" in result.stderr) == (2, True)
    assert not place.data_dir.exists()


def test_list(place: Place) -> None:
    """For people a hundred, for programs all; by id, and only those of a name."""
    assert place.run("users", "list").output == "0 users\n"
    rows = "".join(f"{number},user-{number}\n" for number in range(1, 1_201))
    place.run("users", "import", "-", stdin="id,username\n" + rows)
    assert place.run("users", "list").output.endswith("100 of 1,200 users; more with --limit\n")
    assert [each["id"] for each in place.lines("users", "list")] == [*range(1, 1_201)]
    assert [each["id"] for each in place.lines("users", "list", "--limit", "600")] == [*range(1, 601)]
    named = place.run("users", "list", "--name", "user-119?").output
    assert "user-1199" in named
    assert named.endswith("\n10 users\n")
    assert place.run("users", "list", "--name", "\udcff").exit_code == 2


def test_find(place: Place) -> None:
    """By id in any spelling that a source takes, or by name; whoever is not there ends it with 1."""
    place.run("users", "import", "-", stdin=TSV)
    assert place.json("users", "find", " 7 ") == {"id": 7, "username": "honor"}
    assert place.json("users", "find", "--username", "honor")["id"] == 7
    assert "honor" in place.run("users", "find", "7").output
    for arguments in (["9"], ["foobar"], [str(2**70)], ["--username", "Honor"]):
        result = place.run("users", "find", *arguments)
        assert (result.exit_code, "there is no user" in result.stderr) == (1, True)
    for arguments in ([], ["7", "--username", "honor"]):
        assert place.run("users", "find", *arguments).exit_code == 2


def test_remove(place: Place) -> None:
    """Those that are there are counted; what is no id changes nothing."""
    place.run("users", "import", "-", stdin=TSV)
    assert place.run("users", "remove", "7", "foobar").exit_code == 2
    assert place.json("users", "remove", "7", "9") == {"removed": 1}
    assert place.run("users", "remove", "8").output == "1 users removed\n"
    assert everybody(place) == []


def test_a_file_that_is_damaged(place: Place) -> None:
    """One line, no traceback."""
    (place.data_dir / "users.db").write_bytes(b"\1" * 5_000)
    for arguments in (["import", "-"], ["list"], ["find", "7"], ["remove", "7"]):
        result = place.run("users", *arguments, stdin=TSV)
        assert (result.exit_code, "users.db is not a SQLite database" in result.stderr) == (1, True)


def test_json_of_an_import(place: Place) -> None:
    """One object; what is left out is on the standard error."""
    result = place.run("users", "import", "-", "--skip-bad", "--json", stdin=TSV + "x\tx\n")
    assert json.loads(result.stdout) == {"added": 2, "changed": 0, "bad": 1, "users": 2}
