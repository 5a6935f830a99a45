"""What a backend tells of a domain to be read by people: its XML, the hypervisor's messages about it, and its log."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from backend.base import Backend
from backend.errors import NoSuchDomain, NotSupported
from backend.model import DomainKey
from backend.text import clean
from tests.contract.harness import Harness

GHOST = DomainKey("11111111-2222-3333-4444-555555555555", 12345, "ghost")


@pytest.fixture(autouse=True)
def described(harness: Harness) -> None:
    if reason := harness.lacks("xml"):
        pytest.skip(reason)


@pytest.mark.parametrize("name", ["vm", "we[ir]d [x] ünïcode", "evil\u202egnp.exe"])
async def test_the_xml_is_that_of_the_running_domain(harness: Harness, readonly: Backend, name: str) -> None:
    domain = await harness.running(name)
    text = await readonly.xml(domain)
    root = ET.fromstring(text)
    assert (root.findtext("uuid"), root.findtext("name"), root.get("id")) == (domain.uuid, clean(name), str(domain.id))
    assert text.endswith(">\n")
    assert [clean(line) for line in text.splitlines()] == text.splitlines()


async def test_the_xml_of_a_domain_that_is_off_is_its_configuration(harness: Harness, backend: Backend) -> None:
    domain = await harness.shut_off("vm")
    root = ET.fromstring(await backend.xml(domain))
    assert (root.findtext("uuid"), root.get("id")) == (domain.uuid, None)


async def test_the_xml_is_that_of_whichever_run_there_is(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    other_run = DomainKey(domain.uuid, (domain.id or 0) + 1000, domain.name)
    assert ET.fromstring(await backend.xml(other_run)).get("id") == str(domain.id)


async def test_an_unknown_domain_has_none(backend: Backend) -> None:
    with pytest.raises(NoSuchDomain):
        await backend.xml(GHOST)
    with pytest.raises(NoSuchDomain):
        await backend.messages(GHOST)


async def test_there_is_nothing_to_report_of_a_domain_that_is_well(harness: Harness, readonly: Backend) -> None:
    assert list(await readonly.messages(await harness.running("vm"))) == []


async def test_the_log_is_a_file_of_this_machine_or_there_is_a_reason(harness: Harness, readonly: Backend) -> None:
    domain = await harness.running("we[ir]d [x] ünïcode")
    try:
        path = await readonly.log_file(domain)
    except NotSupported as refusal:
        assert "log" in refusal.message
    else:
        assert path.name == f"{domain.name}.log"
        assert domain.uuid in path.read_text(errors="replace")
