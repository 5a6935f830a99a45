"""The libvirt backend's pure rules: URIs, words, errors and versions. They need the binding, and no daemon."""

from __future__ import annotations

import pytest

libvirt = pytest.importorskip("libvirt")

from backend.dump_request import DumpFlags  # noqa: E402
from backend.errors import (  # noqa: E402
    BackendError,
    DomainBusy,
    NoConnection,
    NoSuchDomain,
    NotAnswering,
    NotPermitted,
    NotSupported,
    OperationCancelled,
    OperationFailed,
)
from backend.events import Lifecycle  # noqa: E402
from backend.libvirt import convert, io_errors  # noqa: E402
from backend.libvirt.capabilities import Versions, capabilities  # noqa: E402
from backend.libvirt.connection import connect  # noqa: E402
from backend.libvirt.connection.monitor import dump_result  # noqa: E402
from backend.libvirt.errors import of_query, typed  # noqa: E402
from backend.model import DomainState  # noqa: E402

RPC, QEMU = 7, 10


@pytest.mark.parametrize(
    ("uri", "local"),
    [
        ("qemu:///system", True),
        ("qemu+unix:///session?socket=/run/x", True),
        ("test:///default", True),
        ("qemu+ssh://root@hv1/system", False),
        ("qemu+ssh:///system", False),
        ("qemu://hv1/system", False),
        ("qemu+tcp://127.0.0.1/system", False),
    ],
)
def test_whether_a_host_is_this_one(uri: str, local: bool) -> None:
    assert connect.is_local(uri) is local


@pytest.mark.parametrize(
    ("uri", "silent"),
    [
        ("qemu+ssh://hv1/system", "qemu+ssh://hv1/system?no_tty=1"),
        ("qemu+ssh://hv1/system?keyfile=/k", "qemu+ssh://hv1/system?keyfile=/k&no_tty=1"),
        ("qemu+ssh://hv1/system?no_tty=0", "qemu+ssh://hv1/system?no_tty=0"),
        ("qemu:///system", "qemu:///system"),
        ("my-alias", "my-alias"),
    ],
)
def test_ssh_never_asks_on_the_terminal(uri: str, silent: str) -> None:
    assert connect._silent(uri) == silent


def raised(code: int, domain: int, message: str) -> libvirt.libvirtError:
    error = libvirt.libvirtError("call failed")
    error.err = (code, domain, message, 2, "", "", "", 0, 0)
    return error


def error(code: int, domain: int, message: str) -> BackendError:
    return typed(raised(code, domain, message))


def test_a_question_for_which_the_domains_lock_was_not_free_was_not_answered() -> None:
    lock = "Timed out during operation: cannot acquire state change lock"
    answer = of_query("vm", raised(68, QEMU, lock))
    assert (type(answer), answer.code, answer.message) == (NotAnswering, 68, f"vm: no answer: {lock}")
    assert isinstance(of_query("vm", raised(42, QEMU, "Domain not found")), NoSuchDomain)


@pytest.mark.parametrize(
    ("code", "domain", "kind"),
    [
        (42, QEMU, NoSuchDomain),
        (29, 20, NotPermitted),
        (88, 0, NotPermitted),
        (38, RPC, NoConnection),
        (1, RPC, NoConnection),
        (38, QEMU, OperationFailed),
        (1, QEMU, OperationFailed),
        (9, QEMU, OperationFailed),
        (55, QEMU, OperationFailed),
        (68, QEMU, DomainBusy),
        (78, QEMU, OperationCancelled),
        (3, 20, NotSupported),
        (8, QEMU, NotSupported),
        (84, QEMU, NotSupported),
    ],
)
def test_an_error_is_typed_by_its_code(code: int, domain: int, kind: type[BackendError]) -> None:
    found = error(code, domain, "why\nnot")
    assert (type(found), found.code, found.message) == (kind, code, "why not")


def test_a_dump_reason_is_the_models_own_word() -> None:
    assert convert.reason_word(libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_DUMP) == "dumping"


def test_unknown_reasons_and_details_keep_their_numbers() -> None:
    assert convert.reason_word(DomainState.PAUSED, 99) == "reason 99"
    assert convert.detail_word(Lifecycle.STOPPED, 99) == "detail 99"
    assert convert.reason_word(42, 1) == "reason 1"


def test_no_reason_is_no_word() -> None:
    assert convert.reason_word(DomainState.RUNNING, 0) == ""


@pytest.mark.parametrize(
    ("details", "result"),
    [
        ('{"result": {"total": 1, "status": "completed", "completed": 1}}', (True, "")),
        ('{"result": {"status": "failed"}, "error": "disk\\u001b full"}', (False, "disk\\x1b full")),
        ("[]", (False, "QEMU's word on the dump cannot be understood")),
        (None, (False, "QEMU's word on the dump cannot be understood")),
    ],
)
def test_what_qemu_says_of_a_dump(details: str | None, result: tuple[bool, str]) -> None:
    assert dump_result(details) == result


def test_live_is_refused_by_newer_daemons_alone() -> None:
    old = capabilities(Versions("QEMU", 7_002_022, 11_004_000, None), True, False, None)
    new = capabilities(Versions("QEMU", 11_001_000, 11_005_000, None), True, False, None)
    assert old.flags[DumpFlags.LIVE] is None
    assert new.flags[DumpFlags.LIVE] == "libvirt 11.5.0 refuses it, as every libvirt since 11.5 does"


def test_windows_dumps_need_libvirt_7_4() -> None:
    found = capabilities(Versions("QEMU", None, 7_003_000, None), True, False, None)
    assert found.formats["win-dmp"]
    assert found.hypervisor == "QEMU, libvirt 7.3.0"


def test_formats_that_qemu_lacks_are_refused_and_a_stream_never() -> None:
    found = capabilities(Versions("QEMU", 7_002_022, 9_000_000, frozenset({"elf"})), True, False, None)
    assert [name for name, reason in found.formats.items() if reason is None] == ["elf", "raw"]
    assert found.hypervisor == "QEMU 7.2.22, libvirt 9.0.0"


def test_a_read_only_connection_says_what_it_may_not() -> None:
    found = capabilities(Versions("QEMU", None, 9_000_000, None), True, True, "the connection is read-only")
    assert {found.dump, found.abort, found.resume, found.shared_records, found.dump_events} == {
        "the connection is read-only"
    }


@pytest.mark.parametrize(
    ("message", "short"),
    [
        (
            "I/O error: disk='vda', index='1', path='/a b', timestamp='2026-11-26', message='No space left on device'",
            "vda: No space left on device",
        ),
        ("I/O error: something else", "I/O error: something else"),
        ("", ""),
    ],
)
def test_of_libvirts_message_on_an_io_error_disk_and_reason_are_told(message: str, short: str) -> None:
    assert io_errors._short(message) == short


def test_a_daemon_of_this_user_writes_with_the_rights_of_this_user() -> None:
    versions = Versions("QEMU", None, 9_000_000, None)
    assert not capabilities(versions, True, False, None).own_rights
    assert capabilities(versions, True, False, None, own_rights=True).own_rights
