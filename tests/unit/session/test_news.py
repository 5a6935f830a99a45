import pytest

from backend.model import Domain, DomainKey, DomainState
from backend.observing.views import DomainView
from tui.session import news
from tui.session.rows import Row

URI = "sim:///news"


def row(state: DomainState, reason: str) -> Row:
    return Row(URI, DomainView(Domain(DomainKey("uuid", 1, "db-01"), state, reason)), URI)


@pytest.mark.parametrize("reason", ["dumping", "saving", "creating snapshot", "migrating"])
def test_that_a_guest_goes_on_after_its_job_is_no_news(reason: str) -> None:
    assert news.states(row(DomainState.PAUSED, reason), row(DomainState.RUNNING, "unpaused")) == []


def test_that_someone_resumes_a_guest_is_news() -> None:
    told = news.states(row(DomainState.PAUSED, "user"), row(DomainState.RUNNING, "unpaused"))
    assert told == ["running (unpaused)"]
