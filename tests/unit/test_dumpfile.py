"""Files that are what they say, files that are cut short, and files that lie."""

from __future__ import annotations

import errno
import os
import struct
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.errors import OperationFailed
from backend.files.inspect import inspect, inspect_target
from backend.files.target import DumpTarget

PAGE = 4096
PAGES = 5


def elf_core() -> bytes:
    """A core of one memory segment, laid out as QEMU does: headers, then memory."""
    memory = b"\x5a" * PAGE * PAGES
    begin = 64 + 56
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return header + struct.pack("<IIQQQQQQ", 1, 7, begin, 0, 0, len(memory), len(memory), 0) + memory


def kdump_parts() -> list[tuple[int, bytes]]:
    """Offset and content of the parts of a kdump: header, sub header, bitmaps, descriptors, pages."""
    names = b"".join(name.ljust(65, b"\0") for name in (b"Linux", b"guest", b"5", b"1", b"x86_64", b""))
    header = struct.pack("<8sI390s22sIIIIII", b"KDUMP   ", 6, names, b"", 1, PAGE, 1, 2, PAGES, 0)
    bitmap = bytes([(1 << PAGES) - 1]).ljust(PAGE, b"\0")
    table = 4 * PAGE
    pages = table + 24 * PAGES
    descriptors = b"".join(struct.pack("<qIIQ", pages + 100 * page, 100, 1, 0) for page in range(PAGES))
    return [
        (0, header.ljust(PAGE, b"\0")),
        (PAGE, bytes(PAGE)),
        (2 * PAGE, bitmap),
        (3 * PAGE, bitmap),
        (table, descriptors),
        (pages, b"\xff" * 100 * PAGES),
    ]


def flattened_kdump() -> bytes:
    chunks = b"".join(struct.pack(">qq", offset, len(part)) + part for offset, part in kdump_parts())
    return b"makedumpfile".ljust(4096, b"\0") + chunks + b"\xff" * 16


def plain_kdump() -> bytes:
    return b"".join(part for _, part in kdump_parts())


def windows_dump() -> bytes:
    header = bytearray(b"PAGEDU64".ljust(0x2000, b"\0"))
    struct.pack_into("<I", header, 0x30, 0x8664)
    struct.pack_into("<I4xQ", header, 0x88, 1, PAGES)
    return bytes(header) + bytes(PAGE * PAGES)


def migration_stream() -> bytes:
    description = b'{"page_size": 4096, "devices": []}'
    ram = b"\x01\0\0\0\x02\x03ram\0\0\0\0\0\0\0\x04" + struct.pack(">Q", PAGE * PAGES | 4)
    return b"QEVM\0\0\0\x03" + ram + b"\x55" * 9999 + b"\0\x06" + struct.pack(">I", len(description)) + description


def saved_image() -> bytes:
    xml = b"<domain><os><type arch='x86_64'>hvm</type></os></domain>"
    return b"LibvirtQemudSave" + bytes(76) + xml + migration_stream()


def simulated_dump() -> bytes:
    return b"TestGuestMagic_1" + b"TestGuestEnd".rjust(PAGE * PAGES, b"\0")


WHOLE: dict[str, tuple[Callable[[], bytes], str]] = {
    "elf": (elf_core, "ELF core"),
    "flattened": (flattened_kdump, "kdump, flattened"),
    "kdump": (plain_kdump, "kdump"),
    "windows": (windows_dump, "Windows dump"),
    "stream": (migration_stream, "migration stream"),
    "saved": (saved_image, "saved image"),
    "simulated": (simulated_dump, "simulated dump"),
}
kinds = pytest.mark.parametrize("kind", WHOLE)
one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
"""All examples of a test share a folder."""


def write_anew(path: Path, content: bytes) -> None:
    """Make a file of it that did not exist: a file system may take one that is only emptied to the disk at once."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


@kinds
def test_a_whole_file_is_known_and_whole(kind: str, tmp_path: Path) -> None:
    make, format = WHOLE[kind]
    path = tmp_path / "dump"
    path.write_bytes(make())
    found = inspect(path)
    assert (found.format, found.whole) == (format, True)
    assert found.memory == PAGE * PAGES


@kinds
@one_folder
@given(cut=st.integers(1, 30_000))
def test_a_file_that_is_cut_short_is_not_whole(kind: str, cut: int, tmp_path: Path) -> None:
    whole = WHOLE[kind][0]()
    path = tmp_path / "dump"
    write_anew(path, whole[: max(0, len(whole) - cut)])
    assert not inspect(path).whole


other_bytes = st.integers(1, 20).flatmap(lambda count: st.binary(min_size=4 * count, max_size=4 * count))
"""Bytes and where they go, each in four bytes: all of them are drawn at once, which takes a fraction of the time."""


@kinds
@settings(one_folder, max_examples=3 * settings().max_examples)
@given(other_bytes)
def test_a_file_with_other_bytes_in_it_gets_an_answer(kind: str, tmp_path: Path, others: bytes) -> None:
    content = bytearray(WHOLE[kind][0]())
    for byte, where, place in struct.iter_unpack("<BBH", others):
        end = 501 if where & 1 else len(content)  # Half of them are put near its begin.
        content[8 + place % (end - 8)] = byte
    path = tmp_path / "dump"
    write_anew(path, content)
    assert inspect(path).detail


@one_folder
@given(
    magic=st.sampled_from([b"", b"\x7fELF", b"makedumpfile\0", b"KDUMP   ", b"PAGEDU64", b"PAGEDUMP", b"QEVM"]),
    rest=st.binary(),
)
def test_random_bytes_are_never_whole(magic: bytes, rest: bytes, tmp_path: Path) -> None:
    path = tmp_path / "dump"
    write_anew(path, magic + rest)
    assert not inspect(path).whole


def test_an_image_that_libvirt_never_finished_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(saved_image().replace(b"LibvirtQemudSave", b"LibvirtQemudPart"))
    assert inspect(path).whole is False


def test_bitmaps_full_of_ones_are_not_taken_for_the_end_mark(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(flattened_kdump()[:-16])
    assert inspect(path).whole is False


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo"])
def test_what_is_no_file_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "dump"
    if kind == "folder":
        path.mkdir()
    if kind == "fifo":
        os.mkfifo(path)
    with pytest.raises(OperationFailed) as caught:
        inspect(path)
    assert str(path) in str(caught.value)


@pytest.fixture
def on_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file passes for a block device, which has no holes to skip."""
    monkeypatch.setattr(DumpTarget, "device", True)
    lseek = os.lseek

    def lseek_on_device(descriptor: int, at: int, whence: int) -> int:
        if whence == os.SEEK_DATA:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return lseek(descriptor, at, whence)

    monkeypatch.setattr(os, "lseek", lseek_on_device)


@kinds
@pytest.mark.parametrize("rest", [0, 4 * PAGE * PAGES], ids=["as long as the dump", "longer"])
def test_a_dump_on_a_block_device_is_known_but_never_proven_whole(
    kind: str, rest: int, on_device: None, tmp_path: Path
) -> None:
    make, format = WHOLE[kind]
    path = tmp_path / "device"
    path.write_bytes(make() + bytes(rest))
    found = inspect(path)
    assert (found.format, found.whole) == (format, None)
    assert "block device" in found.detail


@kinds
def test_old_data_on_a_block_device_completes_no_dump(kind: str, on_device: None, tmp_path: Path) -> None:
    old = WHOLE[kind][0]()
    path = tmp_path / "device"
    path.write_bytes(old)
    with path.open("r+b") as file:  # The same dump again, cut short.
        file.write(old[: len(old) // 2])
    assert inspect(path).whole is None


@pytest.mark.parametrize("kind", ["elf", "kdump", "flattened", "windows"])
def test_a_block_device_that_is_too_small_proves_that_a_dump_is_not_whole(
    kind: str, on_device: None, tmp_path: Path
) -> None:
    path = tmp_path / "device"
    path.write_bytes(WHOLE[kind][0]()[:-17])
    assert inspect(path).whole is False


@pytest.mark.parametrize("kind", ["stream", "saved", "simulated"])
def test_formats_that_end_with_their_file_are_undecided_on_a_block_device(
    kind: str, on_device: None, tmp_path: Path
) -> None:
    path = tmp_path / "device"
    path.write_bytes(WHOLE[kind][0]()[:-17])
    assert inspect(path).whole is None


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EACCES])
@pytest.mark.parametrize(("kind", "call"), [("elf", "elf"), ("kdump", "lseek"), ("flattened", "lseek")])
def test_storage_that_cannot_be_read_says_nothing_about_the_file(
    kind: str, call: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "dump"
    path.write_bytes(WHOLE[kind][0]())

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(*((os, "lseek") if call == "lseek" else (ELFFile, "iter_segments")), fail)
    with pytest.raises(OperationFailed, match=os.strerror(number)):
        inspect(path)


def kdump_header(bitmap_blocks: int) -> bytes:
    header = bytearray(plain_kdump()[:PAGE])
    struct.pack_into("<IIII", header, 424, 1, PAGE, 1, bitmap_blocks)
    return bytes(header)


def chunk(offset: int, length: int) -> bytes:
    return struct.pack(">qq", offset, length)


BOASTS = {
    "kdump": kdump_header(2**31).ljust(2 * PAGE, b"\0"),
    "flattened": b"makedumpfile".ljust(PAGE, b"\0")
    + (chunk(0, PAGE) + kdump_header(2**31))
    + chunk(2 * PAGE + 2**42, 2**42),
}


@pytest.mark.parametrize("boast", BOASTS.values(), ids=BOASTS)
def test_a_sparse_file_that_claims_terabytes_costs_nothing(boast: bytes, tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(boast)
    os.truncate(path, 2**43)
    tracemalloc.start()
    try:
        assert inspect(path).whole is False
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 64 << 20


@pytest.mark.parametrize("content", [elf_core(), flattened_kdump(), plain_kdump(), migration_stream()])
def test_several_may_read_a_file_that_is_held_at_the_same_time(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "core").write_bytes(content)
    target = DumpTarget.open(tmp_path / "core")
    with ThreadPoolExecutor(8) as readers:
        found = list(readers.map(lambda _: inspect_target(target), range(400)))
    assert {file.whole for file in found} == {True}
