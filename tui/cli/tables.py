"""Domains and their jobs as tables for people and as plain values for JSON."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from backend.job_stats import JobStats
from backend.model import Domain, DomainState, JobOperation
from backend.text import clean
from tui.cli import silence
from tui.cli.choices import is_quiet
from tui.words import states, units
from tui.words.job_names import name_of, scratch

if TYPE_CHECKING:
    from backend.backup import Backup
    from backend.files.dumpfile import DumpFile
    from tui.cli.hosts import DomainJobs


class Table:
    """Lines with columns as wide as their widest cell so far, in terminal cells, as virsh draws them.

    The first ones come with the headings, but for -q.
    """

    def __init__(self, headings: Sequence[str], first_cells: Sequence[str] = ()) -> None:
        """`first_cells`: texts that the first column will hold, so that it starts wide enough."""
        self._headings = headings
        self._widths = [max(map(cells_of, [headings[0], *first_cells])), *map(cells_of, headings[1:])]
        self._started = False

    def lines(self, rows: Sequence[Sequence[str]]) -> list[str]:
        """These rows."""
        self._widths = [max([width, *map(cells_of, cells)]) for width, *cells in zip(self._widths, *rows, strict=True)]
        lines = [_line(row, self._widths) for row in rows]
        if not self._started and not is_quiet():
            rule = "-" * (sum(self._widths) + 3 * len(self._widths) - 1)
            lines = [_line(self._headings, self._widths), rule, *lines]
        self._started = True
        return lines


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a whole table."""
    return Table(headings).lines(rows)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (width - cells_of(cell)) for cell, width in zip(cells, widths, strict=True))
    return (" " + "   ".join(padded)).rstrip()


def cells_of(text: str) -> int:
    """The terminal cells that `text` takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


NOT_ANSWERING = "not answering"
"""In place of the state of a domain for which the hypervisor does not answer."""
LABEL_WIDTH = 14
"""Cells before the facts about a dump file."""
DOMAIN_HEADINGS = ("Id", "Name", "State", "Job", "Done", "Elapsed", "Processed", "Remaining")
DOMAIN_STEPS = (
    ("Host", 16),
    ("Name", 24),
    ("Job", 30),
    ("Processed", 0),
    ("State", 18),
    ("Job", 22),
    ("Name", 14),
    ("Elapsed", 0),
    ("Host", 10),
    ("Remaining", 0),
    ("Job", 14),
    ("State", 10),
    ("Id", 0),
    ("Host", 6),
    ("Name", 8),
    ("Done", 0),
    ("Job", 6),
    ("State", 6),
)
"""How these are made to fit a terminal, see Layout; ``Host`` is there with several of them."""


def domain_rows(jobs: DomainJobs, peer: str = "") -> list[list[str]]:
    """A row for each job of the domain, its own one first; a single row without any.

    `peer`: the host at the other end of its migration, if known.
    """
    domain = jobs.domain
    columns = [str(domain.key.id) if domain.active else "-", domain.name, state_text(domain)]
    if jobs.silence is not None:
        return [[*columns, silence.cell(jobs.silence), *[""] * 4]]
    cells = [_job_cells(job, "" if job.disk else peer) for job in jobs.all]
    if jobs.automatic is not None:
        cells[0][0] += f" {states.requester(jobs.automatic)}"
    return [[*columns, *row] for row in cells or [[""] * 5]]


def _job_cells(job: JobStats, peer: str) -> list[str]:
    name = _job_text(job)
    if peer:
        name += f" {'->' if job.operation is JobOperation.MIGRATION_OUT else '<-'} {peer}"
    elapsed = units.duration(job.time_elapsed / 1000) if job.disk is None else ""
    if job.pull_backup:  # Nobody but its client knows how much of it is done.
        return [name, "", elapsed, "", ""]
    done = units.percent(max(0.0, 1 - job.remaining / job.total)) if job.total and not job.may_grow else ""
    return [name, done, elapsed, units.size(job.processed), units.size(job.remaining)]


def _job_text(job: JobStats) -> str:
    if job.disk is not None:
        return f"{job.operation.label} {job.disk}{' (ready)' if job.ready else ''}"
    if job.pull_backup:
        return f"{name_of(job)} (scratch {scratch(job)})"
    return f"{name_of(job)} (closing)" if job.closing else name_of(job)


def state_text(domain: Domain) -> str:
    if not domain.answering:
        return NOT_ANSWERING
    return states.label(domain) if domain.state is DomainState.PAUSED or domain.faulty else domain.state.label


def domain_json(uri: str, domain: Domain, job: JobStats | None) -> dict[str, Any]:
    """`job`: the one that was asked for, be it that of a disk."""
    answering = domain.answering
    return {
        "uri": uri,
        "domain": domain.name,
        "name": domain.name,
        "uuid": domain.key.uuid,
        "id": domain.key.id,
        "state": domain.state.label if answering else NOT_ANSWERING,
        "reason": domain.reason if answering else "",
        "answering": answering,
        "job": None if job is None else job_json(job),
    }


def domain_jobs_json(uri: str, jobs: DomainJobs) -> dict[str, Any]:
    """The domain with its own job, and the jobs of its disks."""
    printed = domain_json(uri, jobs.domain, jobs.own)
    if jobs.silence is not None:
        printed["last_known"] = silence.to_json(jobs.silence)
    if jobs.automatic is not None:
        printed["job"] |= {"requester": jobs.automatic.requester, "path": jobs.automatic.path}
    return printed | {"block_jobs": [job_json(job) for job in jobs.of_disks]}


def job_json(job: JobStats) -> dict[str, Any]:
    """The job's statistics under libvirt's names, as far as they are reported, with type and phase in words.

    What `virt-jobs migration` calls otherwise has that name too: ``iteration``, and ``dirty_rate`` in bytes a second.
    """
    reported = {name: value for name, value in asdict(job).items() if value is not None}
    if job.memory_iteration is not None:
        reported["iteration"] = job.memory_iteration
    if job.memory_dirty_rate is not None and job.memory_page_size is not None:
        reported["dirty_rate"] = job.memory_dirty_rate * job.memory_page_size
    return reported | {"type": job.type.name.lower(), "operation": job.operation.label, "phase": phase(job)}


def backup_json(backup: Backup) -> dict[str, Any]:
    """What a backup is made of; what it has none of, or what is not told, is None."""
    image = "scratch" if backup.pull else "target"
    return {
        "mode": "pull" if backup.pull else "push",
        "server": backup.server or None,
        "disks": [
            {
                "disk": disk.disk,
                "target": None,
                "scratch": None,
                image: disk.image or None,
                "export": disk.export or None,
                "incremental": disk.incremental or None,
            }
            for disk in backup.disks
        ],
    }


def phase(job: JobStats) -> str:
    """``closing`` its file, ``ready`` to be pivoted to or aborted, in ``postcopy``, else ``running``."""
    if job.ready:
        return "ready"
    if job.postcopy is not None:
        return "postcopy"
    return "closing" if job.closing else "running"


def dump_file_lines(dump: DumpFile) -> list[str]:
    """The output of `inspect`, one fact per line."""
    complete = {True: "yes", False: "no", None: "unknown"}[dump.whole]
    facts = {
        "File": clean(dump.path),
        "Format": dump.format,
        "Size": units.size(dump.size),
        "Architecture": dump.architecture or "",
        "Memory": units.size(dump.memory) if dump.memory else "",
        "Complete": f"{complete}. {dump.detail}",
    }
    return [f"{label + ':':<{LABEL_WIDTH}}{value}" for label, value in facts.items() if value]
