"""Files as they really are: encodings, delimiters, spreadsheets' habits. Damage is in ``tests/faults``."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advocacy.crm.importing.loading import Source
from advocacy.crm.importing.reading import BadFile
from advocacy.crm.importing.values import defuse, undefuse
from advocacy.crm.models import Account, ImportRun
from tests.crm.importing import Load, loader


@pytest.fixture
def load(tmp_path: Path, db: None) -> Load:
    return loader(tmp_path)


def source_of(content: bytes, **said: str) -> Source:
    return Source.of(lambda: io.BytesIO(content), **said)


class TestReading:
    @pytest.mark.parametrize(
        ("encode", "encoding"),
        [
            (lambda text: text.encode("utf-8"), "utf-8"),
            (lambda text: text.encode("utf-8-sig"), "utf-8-sig"),
            (lambda text: text.encode("cp1252"), "cp1252"),
            (lambda text: text.encode("utf-16"), "utf-16"),
        ],
    )
    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_encodings_and_delimiters_are_found(
        self, load: Load, encode: Callable[[str], bytes], encoding: str, delimiter: str
    ) -> None:
        rows = [["account_id", "name", "industry"], ["A-1", "Café Zoë – 5 €", "Food"]]
        text = "\r\n".join(delimiter.join(row) for row in rows)
        done = load("accounts", encode(text))
        assert done.counts["created"] == 1
        assert Account.objects.get().name == "Café Zoë – 5 €"
        report = ImportRun.objects.get().report
        assert (report["encoding"], report["delimiter"]) == (encoding, delimiter)

    def test_commas_inside_cells_do_not_mislead(self) -> None:
        found = source_of(b"account_id;name\nA-1;One, two, three, four\nA-2;Five, six, seven, eight\n")
        assert found.found.delimiter == ";"

    def test_a_spreadsheets_first_line_says_the_delimiter(self) -> None:
        source = source_of(b"sep=;\naccount_id;name\nA-1;One\n")
        assert source.header == ["account_id", "name"]
        assert [row.cells for row in source.rows()] == [["A-1", "One"]]

    def test_rows_are_numbered_as_a_spreadsheet_does(self) -> None:
        source = source_of(b'id,name\n1,"two\nlines"\n\n,\n2,x\n')
        assert [(row.number, row.cells) for row in source.rows()] == [(2, ["1", "two\nlines"]), (5, ["2", "x"])]

    def test_a_file_with_nothing_in_it_says_so(self) -> None:
        for content in (b"", b"\n\n", b",,,\n"):
            with pytest.raises(BadFile):
                source_of(content)

    @settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8),
                             min_size=2, max_size=2), min_size=1, max_size=6))  # fmt: skip
    def test_what_python_writes_is_read_back(self, rows: list[list[str]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows([["id", "name"], *rows])
        source = source_of(text.getvalue().encode(), delimiter=",")
        assert [row.cells for row in source.rows()] == [row for row in rows if any(cell.strip() for cell in row)]

    @settings(max_examples=300, deadline=None)
    @given(st.binary(max_size=200))
    def test_no_bytes_at_all_bring_a_traceback(self, content: bytes) -> None:
        try:
            for row in source_of(content).rows():
                assert row.number > 1
        except BadFile as bad:
            assert str(bad)


class TestFormulas:
    def test_they_are_stored_as_text_and_harmless_in_the_rejects_file(self, load: Load, tmp_path: Path) -> None:
        done = load(
            "accounts", 'account_id,name,employees\nA-1,=1+1,5\nA-2,"=HYPERLINK(""http://x"")",x\nA-3,@sum,-5\n'
        )
        assert Account.objects.get().name == "=1+1"
        names = [row["name"] for row in done.refused]
        assert names == ['\'=HYPERLINK("http://x")', "'@sum"]
        assert done.refused[1]["employees"] == "-5"

    def test_the_apostrophe_goes_away_when_the_file_comes_back(self, load: Load) -> None:
        load("accounts", "account_id,name\nA-1,'=1+1\nA-2,'t Hooft\n")
        assert set(Account.objects.values_list("name", flat=True)) == {"=1+1", "'t Hooft"}

    @given(st.text(max_size=20))
    def test_no_defused_cell_starts_like_a_formula(self, text: str) -> None:
        safe = defuse(text)
        assert not safe.startswith(("=", "@", "\t", "\r"))
        if safe != text and not text.startswith(("\t", "\r")):
            assert undefuse(safe) == text
