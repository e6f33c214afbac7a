"""A CSV file as people and programs really save it: found encoding, found delimiter, one row at a time.

Nothing here stops at a bad row: it comes out as a ``Row`` with a ``fault``, and reading goes on behind it.
"""

import codecs
import csv
import io
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, TextIO

from django.utils.translation import gettext as _

Opener = Callable[[], BinaryIO]

LONGEST_CELL = 65_536
"""Characters a cell may hold; every field is narrower, this only keeps a broken file from filling the memory."""
LONGEST_LINE = 2_000_000
MOST_LINES_IN_A_ROW = 500
"""A row that spans more lines than this has a quotation mark that never closes."""
SAMPLE_ROWS = 5_000
CHUNK = 1 << 20
DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "utf-16")

csv.field_size_limit(LONGEST_LINE)


class BadFile(Exception):
    """A file that cannot be read at all; its text says why."""


@dataclass(frozen=True)
class Found:
    """What a look through the whole file found. ``lines`` is an estimate of its rows, for the progress bar."""

    encoding: str
    delimiter: str
    size: int
    lines: int
    clean: bool
    """Every byte belongs to the encoding, and no NUL is among them: rows need no check for either."""
    skip: int = 0
    """Lines before the header (``sep=;``)."""


@dataclass(frozen=True)
class Row:
    """One row: ``number`` counts as a spreadsheet does, the header being row 1."""

    number: int
    cells: list[str]
    fault: str = ""


def look(opener: Opener, *, encoding: str = "", delimiter: str = "") -> Found:
    """Read the file through once, in pieces, for its encoding, size and number of lines; then judge its delimiter."""
    size = lines = nuls = 0
    last = b""
    strict: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")("strict")
    good_pairs = 0
    with opener() as stream:
        head = stream.read(4)
        bom = ""
        if head.startswith(codecs.BOM_UTF8):
            bom = "utf-8-sig"
        elif head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            bom = "utf-16"
        piece = head + stream.read(CHUNK)
        while piece:
            size += len(piece)
            lines += piece.count(b"\n") or piece.count(b"\r")
            nuls += piece.count(b"\x00")
            last = piece[-1:]
            if strict is not None:
                try:
                    strict.decode(piece)
                except UnicodeDecodeError:
                    strict = None
            if strict is None:
                good_pairs += _utf8_against_cp1252(piece)
            piece = stream.read(CHUNK)
        if strict is not None:
            try:
                strict.decode(b"", final=True)
            except UnicodeDecodeError:
                strict = None
                good_pairs -= 1
    if not size:
        raise BadFile(_("The file is empty."))
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise BadFile(_("This is a spreadsheet's own file. Save it as “CSV UTF-8” and bring that."))
    if bom == "utf-16":
        encoding, clean = encoding or bom, False
    elif bom:
        encoding, clean = encoding or bom, strict is not None and not nuls
    elif strict is not None:
        encoding, clean = encoding or "utf-8", not nuls
    else:
        # More whole UTF-8 pairs than stray bytes: a UTF-8 file with damage, whose damaged rows are refused one by one.
        encoding, clean = encoding or ("utf-8" if good_pairs > 0 else "cp1252"), False
    if encoding not in ENCODINGS:
        raise BadFile(_("The encoding “{encoding}” is not one of: {known}.").format(
            encoding=encoding, known=", ".join(ENCODINGS)))  # fmt: skip
    if encoding in ("cp1252", "utf-16"):
        clean = False
    if last not in (b"\n", b"\r"):
        lines += 1
    skip = 0
    with opener() as stream:
        text = _text(stream, encoding)
        try:
            first = text.readline(LONGEST_LINE)
            if first.strip().lower().startswith("sep=") and len(first.strip()) <= 5:
                skip = 1
                delimiter = delimiter or first.strip()[4:] or "\t"
                first = text.readline(LONGEST_LINE)
            if not delimiter:
                delimiter = _delimiter([first, *(text.readline(LONGEST_LINE) for _line in range(20))])
        except UnicodeError:
            raise BadFile(_("The file cannot be read as {encoding}.").format(encoding=encoding)) from None
        finally:
            text.detach()  # type: ignore[attr-defined]
    if len(delimiter) != 1:
        raise BadFile(_("The delimiter must be one character, such as , or ;."))
    return Found(encoding, delimiter, size, lines, clean, skip)


def _utf8_against_cp1252(piece: bytes) -> int:
    """Whole multi-byte characters minus stray bytes in a piece that is not clean UTF-8."""
    text = piece.decode("utf-8", errors="surrogateescape")
    stray = sum("\ud800" <= character <= "\udfff" for character in text)
    return sum(character > "\x7f" for character in text) - 2 * stray


def _delimiter(sample: list[str]) -> str:
    """The delimiter that parts the header and the rows after it into the same number of cells, most of them."""
    best, score = ",", (0, 0)
    for candidate in DELIMITERS:
        # A line cut short still has its first delimiters, and one cell of a megabyte does not decide.
        widths = [len(row) for row in csv.reader([line[:5_000] for line in sample], delimiter=candidate) if row]
        if not widths or widths[0] < 2:
            continue
        agreeing = Counter(widths)[widths[0]]
        if (agreeing * 100 // len(widths), widths[0]) > score:
            best, score = candidate, (agreeing * 100 // len(widths), widths[0])
    return best


def _text(stream: BinaryIO, encoding: str) -> TextIO:
    return io.TextIOWrapper(stream, encoding=encoding, errors="surrogateescape", newline="")


class _BrokenRow(Exception):
    pass


class Rows:
    """The rows of a file, the header first. A damaged row carries its fault; the lines it swallowed come again.

    ``place`` is how far the file has been read, in bytes.
    """

    def __init__(self, stream: BinaryIO, found: Found) -> None:
        self._stream = stream
        self._found = found
        self._lines = _text(stream, found.encoding)
        for _number in range(found.skip):
            self._lines.readline(LONGEST_LINE)
        self._again: deque[str] = deque()
        self._taken: list[str] = []
        self._overlong = False
        self._number = found.skip

    @property
    def place(self) -> int:
        try:
            return self._stream.tell()
        except (OSError, ValueError):
            return 0

    def _next_line(self) -> str:
        if len(self._taken) >= MOST_LINES_IN_A_ROW:
            raise _BrokenRow
        if self._again:
            line = self._again.popleft()
        else:
            line = self._lines.readline(LONGEST_LINE)
            if not line:
                raise StopIteration
            if len(line) >= LONGEST_LINE and line[-1] not in "\r\n":
                self._overlong = True
                while (more := self._lines.readline(CHUNK)) and more[-1] not in "\r\n":
                    pass
        self._taken.append(line)
        return line

    def __iter__(self) -> Iterator[Row]:
        try:
            yield from self._read()
        finally:
            self._lines.detach()  # type: ignore[attr-defined] # the file stays its owner's

    def _read(self) -> Iterator[Row]:
        feed = _Feed(self._next_line)
        clean = self._found.clean
        reader = csv.reader(feed, delimiter=self._found.delimiter, strict=True)
        while True:
            self._taken.clear()
            self._overlong = False
            fault = ""
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (csv.Error, _BrokenRow) as error:
                first, *rest = self._taken
                self._again.extendleft(reversed(rest))
                cells = next(csv.reader([first.rstrip("\r\n")], delimiter=self._found.delimiter), [])
                fault = _row_fault(error, swallowed=bool(rest))
                # A fresh reader: the old one may still stand inside the quotation.
                reader = csv.reader(feed, delimiter=self._found.delimiter, strict=True)
            self._number += 1
            if self._overlong:
                fault = _("This row is longer than {longest} characters.").format(longest=LONGEST_LINE)
            elif not fault and not clean:
                fault = _byte_fault(cells, self._found.encoding)
            yield Row(self._number, cells, fault)


class _Feed:
    def __init__(self, next_line: Callable[[], str]) -> None:
        self._next_line = next_line

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        return self._next_line()


def _row_fault(error: Exception, *, swallowed: bool) -> str:
    if isinstance(error, _BrokenRow) or swallowed or "unexpected end of data" in str(error):
        return _("A quotation mark opens in this row and is never closed.")
    return _("A quotation mark stands inside a cell; write it twice, and the cell in quotation marks.")


def _byte_fault(cells: list[str], encoding: str) -> str:
    text = "".join(cells)
    if "\x00" in text:
        return _("This row holds a NUL byte.")
    if any("\ud800" <= character <= "\udfff" for character in text if character > "\x7f"):
        name = {"cp1252": "Windows-1252"}.get(encoding, encoding.upper().removesuffix("-SIG"))
        return _("This row holds bytes that are not {encoding}.").format(encoding=name)
    return ""
