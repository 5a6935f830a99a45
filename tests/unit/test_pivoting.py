"""What the user is asked before a pivot."""

from __future__ import annotations

from backend.job_stats import JobStats
from backend.model import BlockOperation, DiskSource
from tui.words import pivoting

COPY = JobStats.of_block_job("vda", BlockOperation.COPY, 1, 1, ready=True)
COMMIT = JobStats.of_block_job("vdb", BlockOperation.ACTIVE_COMMIT, 1, 1, ready=True)


def test_a_pivot_names_both_images() -> None:
    source = DiskSource("/old", mirror="/new", mirror_ready=True)
    assert pivoting.question("vm", COPY, source) == (
        "Pivot vda of vm?\nThe guest continues on /new. What it writes from then on is no longer written to /old."
    )
    assert pivoting.question("vm", COMMIT, source) == (
        "Pivot vdb of vm?\nThe guest continues on /new, which has everything that is in /old."
    )


def test_where_the_images_are_not_known_it_still_says_what_happens() -> None:
    assert "continues on the copy." in pivoting.question("vm", COPY, None)
    assert "continues on the image below," in pivoting.question("vm", COMMIT, DiskSource("/old"))


def test_of_several_all_are_named() -> None:
    assert pivoting.question_about_several(["a vda", "b vda"], [("c vda", "not ready")]).splitlines() == [
        "Pivot a vda, b vda?",
        "Each guest continues on the image that its disk was mirrored to.",
        "Skipped c vda: not ready",
    ]
