"""What libvirt says of a real domain: its messages, its log, and nothing secret in its XML."""

from __future__ import annotations

from pathlib import Path

import libvirt
import pytest

from backend.errors import NoConnection
from backend.libvirt.backend import LibvirtBackend
from backend.text import clean
from tests.eventually import eventually
from tests.hypervisor.daemon import HOSTILE, Machines, PrivateDaemon, domain_xml, unique
from tests.language import in_english
from tui.session.log_tail import LogTail

pytestmark = pytest.mark.hypervisor

NAMESPACE = "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"


def with_arguments(name: str, *arguments: str) -> str:
    """A machine whose QEMU gets these as well, which taints it."""
    passed = "".join(f"<qemu:arg value='{argument}'/>" for argument in arguments)
    xml = domain_xml(name, 32).replace("<domain ", f"<domain {NAMESPACE} ")
    return xml.replace("</domain>", f"<qemu:commandline>{passed}</qemu:commandline></domain>")


async def test_a_tainted_domain_has_a_message(machines: Machines, readonly: LibvirtBackend) -> None:
    domain = machines.create(with_arguments(unique("tainted"), "-boot", "strict=on"))
    [message] = await readonly.messages(domain)
    assert "tainted" in message or in_english("tainted") == "."


async def test_the_log_of_a_guest_that_cannot_start_says_why(machines: Machines, readonly: LibvirtBackend) -> None:
    name = unique("broken")
    with pytest.raises(libvirt.libvirtError):
        machines.create(with_arguments(name, "-device", "nonsense"))
    domain = machines.define(name)
    path = await readonly.log_file(domain)
    assert path == Path(f"/var/log/libvirt/qemu/{name}.log")
    lines: list[str] = []

    def told() -> bool:
        tail = LogTail(path).read()
        lines[:] = tail.lines if tail is not None else ()
        return any("'nonsense' is not a valid device model name" in line for line in lines)

    eventually(told)
    assert any("shutting down, reason=failed" in line for line in lines)


async def test_the_log_of_another_users_session_and_of_a_hostile_name_is_found(daemon: PrivateDaemon) -> None:
    with Machines(daemon.uri) as machines:
        async with LibvirtBackend(daemon.uri) as backend:
            name = unique(HOSTILE)
            path = await backend.log_file(machines.start(name))
            assert path.parent == daemon.folder / "cache/libvirt/qemu/log"
            assert path.name == f"{name}.log"
            tail = LogTail(path).read()
            assert tail is not None
            assert any(clean(name) in line for line in tail.lines)


async def test_the_log_is_found_where_the_daemon_does_not_answer(
    machines: Machines, readonly: LibvirtBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = machines.start(unique("lonely"))

    async def lost(*arguments: object) -> object:
        raise NoConnection("no connection to the daemon")

    monkeypatch.setattr(readonly._polling, "call", lost)
    path = await readonly.log_file(domain)
    tail = LogTail(path).read()
    assert tail is not None
    assert any(domain.uuid in line for line in tail.lines)


async def test_the_xml_has_no_passwords(machines: Machines, backend: LibvirtBackend) -> None:
    graphics = "<devices><graphics type='vnc' passwd='sesame'/>"
    domain = machines.create(domain_xml(unique("vnc"), 32).replace("<devices>", graphics))
    assert "sesame" in machines.handle(domain).XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE)
    text = await backend.xml(domain)
    assert "<graphics type='vnc'" in text
    assert "sesame" not in text
