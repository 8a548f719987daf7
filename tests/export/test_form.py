"""What a file's name says of its format."""

import pytest

from trackside.export.form import Form, Format, UnknownFormatError, form_of


@pytest.mark.parametrize(
    ("name", "asked", "expected"),
    [
        (None, None, Form("jsonl")),
        (None, "parquet", Form("parquet")),
        ("a.jsonl", None, Form("jsonl")),
        ("a.b.JSONL.GZ", None, Form("jsonl", "gzip")),
        ("a.jsonl.zst", None, Form("jsonl", "zstd")),
        ("a.parquet", None, Form("parquet")),
        ("tracking.log", None, Form("tracking-log")),
        ("tracking.log.gz", None, Form("tracking-log", "gzip")),
        ("a.txt", "jsonl", Form("jsonl")),
        ("a", "parquet", Form("parquet")),
        ("a.txt.zst", "tracking-log", Form("tracking-log", "zstd")),
        ("a.parquet", "jsonl", Form("jsonl")),
    ],
)
def test_the_name_says_it_unless_it_was_said(name: str | None, asked: Format | None, expected: Form) -> None:
    assert form_of(name, asked) == expected


@pytest.mark.parametrize("name", ["a", "a.csv", "jsonl", ".gz", "a.gz", "a.csv.gz", "a.jsonl.bz2", ".jsonl."])
def test_a_name_that_says_nothing(name: str) -> None:
    """The message says which names do."""
    with pytest.raises(
        UnknownFormatError, match=r"does not end in \.jsonl, .*choose with --format: jsonl, parquet"
    ):
        form_of(name)


@pytest.mark.parametrize(("name", "asked"), [("a.parquet.gz", None), ("a.zst", "parquet")])
def test_parquet_in_a_compressed_file(name: str, asked: Format | None) -> None:
    with pytest.raises(UnknownFormatError, match=r"compressed within; leave out \.(gz|zst)"):
        form_of(name, asked)
