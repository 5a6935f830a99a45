"""What a backend says of domains, and what identifies one."""

from __future__ import annotations

import pytest

from backend.base import Backend
from backend.errors import DomainNotRunning, NoSuchDomain
from backend.model import Domain, DomainKey, DomainState
from backend.text import clean
from tests.contract.harness import QUICK_MIB, Harness

HOSTILE_NAMES = ["we[ir]d [x] ünïcode", "[@click=app.quit]x", "שרת-דואר", "経理サーバー", "evil\u202egnp.exe", "a b\\c"]


async def listed(backend: Backend, domain: DomainKey) -> Domain:
    (found,) = [found for found in await backend.domains() if found.key.uuid == domain.uuid]
    return found


async def test_a_running_domain_is_listed_with_its_state_and_memory(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    found = await listed(backend, domain)
    assert (found.name, found.key, found.state, found.active) == ("vm", domain, DomainState.RUNNING, True)
    assert found.memory == QUICK_MIB * 1024 * 1024
    assert found.answering


async def test_a_paused_domain_says_so(harness: Harness, backend: Backend) -> None:
    if reason := harness.lacks("paused"):
        pytest.skip(reason)
    domain = await harness.running("vm", paused=True)
    found = await listed(backend, domain)
    assert found.state is DomainState.PAUSED
    assert found.paused_by == ""


async def test_a_domain_that_is_off_has_no_id(harness: Harness, backend: Backend) -> None:
    found = await listed(backend, await harness.shut_off("vm"))
    assert (found.state, found.key.id, found.active) == (DomainState.SHUTOFF, None, False)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
async def test_any_name_comes_through_clean_and_is_found(harness: Harness, backend: Backend, name: str) -> None:
    if reason := harness.lacks("hostile names"):
        pytest.skip(reason)
    domain = await harness.running(name)
    assert (await listed(backend, domain)).name == clean(name)
    assert (await backend.find(clean(name))).key == domain


async def test_a_domain_is_found_by_uuid_and_by_id(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    assert (await backend.find(domain.uuid.upper())).key == domain
    assert (await backend.find(str(domain.id))).key == domain


async def test_an_id_comes_before_a_uuid_and_that_before_a_name(harness: Harness, backend: Backend) -> None:
    first = await harness.running("vm")
    numbered = await harness.running(str(first.id))
    named_as_uuid = await harness.running(first.uuid)
    assert (await backend.find(str(first.id))).key == first
    assert (await backend.find(first.uuid)).key == first
    assert (await backend.find(numbered.uuid)).key == numbered
    assert (await backend.find(str(named_as_uuid.id))).key == named_as_uuid


async def test_a_name_that_is_a_number_is_found_where_no_id_is(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("987654321")
    assert (await backend.find("987654321")).key == domain


async def test_an_unknown_name_is_no_such_domain(backend: Backend) -> None:
    with pytest.raises(NoSuchDomain, match="no-such-vm"):
        await backend.find("no-such-vm")


async def test_an_unknown_domain_has_no_job_to_ask_for(harness: Harness, backend: Backend) -> None:
    with pytest.raises(NoSuchDomain):
        await backend.job(DomainKey("11111111-2222-3333-4444-555555555555", 12345, "ghost"))


async def test_a_destroyed_run_is_over(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    await harness.destroy(domain)
    with pytest.raises((DomainNotRunning, NoSuchDomain)):
        await backend.job(domain)


async def test_two_backends_see_the_same_identity(harness: Harness, backend: Backend, readonly: Backend) -> None:
    domain = await harness.running("vm")
    assert (await backend.find("vm")).key == (await readonly.find("vm")).key == domain


async def test_a_backend_that_was_closed_can_be_opened_again(harness: Harness) -> None:
    domain = await harness.running("vm")
    backend = harness.backend()
    for _ in range(2):
        async with backend:
            assert (await listed(backend, domain)).key == domain
            assert await backend.job(domain) is None
