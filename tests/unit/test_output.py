"""What a command prints is kept within bounds, and what was left out shows."""

from __future__ import annotations

import os
import stat
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.running import output as outputs
from backend.running import process_output
from backend.running.output import HEAD, LIMIT, Gap, OutputReader, OutputWriter
from backend.running.process_output import ProcessOutput
from tests.eventually import eventually
from tests.hypervisor.disk import small_disk

LINE = b"%07d\n"


def counted(size: int) -> bytes:
    """So many bytes, of which every eight tell where they are."""
    return b"".join(LINE % number for number in range(size // 8 + 1))[:size]


def read(reader: OutputReader) -> tuple[bytes, int]:
    """What a reader has to say: the text, and how many bytes were left out."""
    pieces = list(reader.read())
    text = b"".join(piece for piece in pieces if isinstance(piece, bytes))
    return text, sum(piece.size for piece in pieces if isinstance(piece, Gap))


def on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_a_short_output_is_kept_to_the_letter(tmp_path: Path) -> None:
    writer = OutputWriter(tmp_path / "out")
    for part in (b"\0\xff\x1b[31m", b"", b"no end of line"):
        writer.write(part)
    assert read(OutputReader(tmp_path / "out")) == (b"\0\xff\x1b[31mno end of line", 0)
    assert writer.total == 21
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "out" / "0").stat().st_mode) == 0o600


@pytest.mark.parametrize("chunk", [1000, 1 << 16, 1 << 22])
def test_of_a_long_one_the_beginning_and_the_end_are_kept(tmp_path: Path, chunk: int) -> None:
    size = 8 << 20
    everything = counted(size)
    writer = OutputWriter(tmp_path)
    for start in range(0, size, chunk):
        writer.write(everything[start : start + chunk])
        assert on_disk(tmp_path) <= LIMIT
    text, left_out = read(OutputReader(tmp_path))
    assert len(text) + left_out == size == writer.total
    assert text.startswith(everything[:HEAD])
    assert everything.endswith(text[HEAD:])
    assert len(text) >= HEAD + outputs.PIECE


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(0, 30))
@settings(max_examples=50)
def test_whoever_reads_meanwhile_gets_everything_that_is_kept_in_its_place(sizes: list[int], looks: int) -> None:
    everything = counted(sum(sizes))
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(outputs, "HEAD", 64)
        patch.setattr(outputs, "PIECE", 32)
        writer, reader = OutputWriter(Path(folder)), OutputReader(Path(folder))
        written, position = 0, 0
        for number, size in enumerate(sizes):
            writer.write(everything[written : written + size])
            written += size
            if number < looks or number == len(sizes) - 1:
                for piece in reader.read():
                    if isinstance(piece, bytes):
                        assert piece == everything[position : position + len(piece)]
                        position += len(piece)
                    else:
                        position += piece.size
                assert position == written


def test_a_late_reader_may_want_the_last_of_it_only(tmp_path: Path) -> None:
    writer = OutputWriter(tmp_path)
    writer.write(counted(4096))
    reader = OutputReader(tmp_path)
    reader.skip_to_last(16)
    assert read(reader) == (counted(4096)[-16:], 0)
    writer.write(b"more")
    assert read(reader) == (b"more", 0)


def test_one_without_output_has_nothing_to_read(tmp_path: Path) -> None:
    reader = OutputReader(tmp_path / "none")
    reader.skip_to_last(10)
    assert read(reader) == (b"", 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small disk")
def test_what_a_full_disk_does_not_take_is_left_out_and_the_end_is_kept(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as folder:
        writer = OutputWriter(folder / "out")
        filler = folder / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            while True:
                file.write(bytes(4096))
        writer.write(b"lost" * 1000)
        filler.unlink()
        writer.write(b"kept")
        text, left_out = read(OutputReader(folder / "out"))
    assert text.endswith(b"kept")
    assert len(text) + left_out == writer.total == 4004


class Hung(OutputWriter):
    """A file system that does not answer."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.answers = threading.Event()

    def write(self, data: bytes) -> None:
        self.answers.wait()
        super().write(data)


def test_a_file_system_that_hangs_does_not_hold_up_who_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_output, "PATIENCE", 0.01)
    reader, printer = os.pipe()
    writer = Hung(tmp_path / "out")
    output = ProcessOutput(reader, writer)
    everything = counted(16 << 20)
    done = 0
    while done < len(everything):
        done += os.write(printer, everything[done:])
    os.close(printer)
    writer.answers.set()
    eventually(output.at_end.is_set)
    text, left_out = read(OutputReader(tmp_path / "out"))
    assert left_out > 0
    assert text.startswith(everything[:4096])
    assert len(text) + left_out <= len(everything)
