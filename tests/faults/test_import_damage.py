"""Damaged CSV files: every bad row gets its reason, the sound ones are loaded, nobody sees a traceback."""

from pathlib import Path

import pytest

from advocacy.crm.models import Account, ImportRun
from tests.crm.importing import Load, Loaded, loader

pytestmark = [pytest.mark.fault, pytest.mark.django_db]

HEADER = b"account_id,name,industry\n"
SOUND = b"A-1,Kestrel Foods,Food\n"


@pytest.fixture
def load(tmp_path: Path) -> Load:
    return loader(tmp_path)


def is_told_plainly(done: Loaded, *, created: int, reason: str) -> bool:
    assert "Traceback" not in done.out
    assert done.counts["created"] == created
    assert done.counts["rows"] == created + done.counts["rejected"]
    assert len(done.refused) == done.counts["rejected"] >= 1
    assert all(done.reasons)
    assert reason in " ".join(done.reasons), done.reasons
    return True


class TestDamage:
    def test_bytes_of_another_encoding(self, load: Load) -> None:
        """Mostly UTF-8, one row Windows-1252: that row is refused, not the file and not silently garbled."""
        content = HEADER + SOUND + "A-2,Café Zoë,Food\nA-3,Åse Øre,Food\n".encode() + "A-4,Café,Food\n".encode("cp1252")
        assert is_told_plainly(load("accounts", content), created=3, reason="bytes that are not UTF-8")

    def test_bytes_no_encoding_knows(self, load: Load) -> None:
        content = HEADER + SOUND + "A-2,Café,Food\n".encode("cp1252") + b"A-3,\x81\x8d,Food\n"
        assert is_told_plainly(load("accounts", content), created=2, reason="bytes that are not Windows-1252")

    def test_nul_bytes(self, load: Load) -> None:
        content = HEADER + SOUND + b"A-2,Nul\x00Corp,Food\n"
        assert is_told_plainly(load("accounts", content), created=1, reason="NUL byte")

    def test_a_binary_file(self, load: Load) -> None:
        done = load("accounts", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00" + bytes(range(256)) * 40)
        assert done.code == 1
        assert "Traceback" not in done.out

    def test_a_missing_column(self, load: Load) -> None:
        done = load("accounts", b"account_id,industry\nA-1,Food\nA-2,Food\n")
        assert done.code == 1
        assert is_told_plainly(done, created=0, reason="name")

    def test_a_cell_of_a_megabyte(self, load: Load) -> None:
        content = HEADER + SOUND + b"A-2," + b"x" * 1_000_000 + b",Food\nA-3,Aurora,Food\n"
        assert is_told_plainly(load("accounts", content), created=2, reason="1000000 characters long")
        assert max(len(cell) for cell in ImportRun.objects.get().results.get(result="rejected").raw) < 5_000

    def test_a_line_beyond_all_measure(self, load: Load) -> None:
        content = HEADER + SOUND + b"A-2," + b"x" * 5_000_000 + b",Food\nA-3,Aurora,Food\n"
        assert is_told_plainly(load("accounts", content), created=2, reason="longer than 2000000 characters")

    def test_formulas_are_text(self, load: Load) -> None:
        done = load("accounts", HEADER + b"A-1,=cmd|' /C calc'!A0,Food\nA-2,,+1\n")
        assert Account.objects.get().name == "=cmd|' /C calc'!A0"
        assert is_told_plainly(done, created=1, reason="Name is empty")

    def test_a_quotation_mark_that_never_closes(self, load: Load) -> None:
        """It would swallow the rest of the file; only its own row is lost."""
        rows = b"".join(b"A-%d,Company %d,Food\n" % (n, n) for n in range(10, 1_500))
        content = HEADER + SOUND + b'A-2,"Open,Food\n' + rows
        assert is_told_plainly(load("accounts", content), created=1_491, reason="never closed")

    def test_a_quotation_mark_inside_a_cell(self, load: Load) -> None:
        content = HEADER + SOUND + b'A-2,"The "Best" Corp",Food\nA-3,Aurora,Food\n'
        assert is_told_plainly(load("accounts", content), created=2, reason="quotation mark")

    def test_rows_with_too_many_or_too_few_cells(self, load: Load) -> None:
        content = HEADER + SOUND + b"A-2,Too,Many,Cells\nA-3,Few\nA-4,Trailing,Food,,\n"
        assert is_told_plainly(load("accounts", content), created=2, reason="4 cells, the header has 3")

    def test_control_characters(self, load: Load) -> None:
        content = HEADER + SOUND + b"A-2,Bell\x07,Food\n"
        assert is_told_plainly(load("accounts", content), created=1, reason="control characters")

    def test_numbers_and_dates_beyond_all_measure(self, load: Load) -> None:
        content = (
            b"account_id,name,employees,annual_value,renewal_date\nA-1,One,5,5,2026-01-01\n"
            b"A-2,Two,99999999999999999999,1,2026-01-01\nA-3,Three,1," + b"9" * 400 + b",2026-01-01\n"
            b"A-4,Four,1,1,9999-12-31\nA-5,Five,1,NaN,2026-01-01\nA-6,Six,\xd9\xa3,1e9,45000\n"
        )
        assert is_told_plainly(load("accounts", content), created=1, reason="too large")

    def test_a_damaged_header(self, load: Load) -> None:
        done = load("accounts", b'account_id,"name\nA-1,One\n')
        assert done.code == 1
        assert "Traceback" not in done.out

    def test_column_names_that_stand_twice(self, load: Load) -> None:
        done = load("accounts", b"account_id,name,name\nA-1,One,Two\n")
        assert is_told_plainly(done, created=0, reason="stands twice")
