"""Job stats with the labels and units of ``virsh domjobinfo``, which libvirt's block jobs are given as well."""

from __future__ import annotations

from collections.abc import Iterator

from backend.job_stats import JobStats, JobType
from backend.model import JobOperation, Operation

_TYPES = {
    JobType.NONE: "None",
    JobType.BOUNDED: "Bounded",
    JobType.UNBOUNDED: "Unbounded",
    JobType.COMPLETED: "Completed",
    JobType.FAILED: "Failed",
    JobType.CANCELLED: "Cancelled",
}
_OPERATIONS: dict[Operation, str] = {
    JobOperation.MIGRATION_IN: "Incoming migration",
    JobOperation.MIGRATION_OUT: "Outgoing migration",
}
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
# virsh's label, the field, and how virsh prints it, in virsh's order.
_FIELDS = (
    ("Time elapsed", "time_elapsed", "ms"),
    ("Time elapsed w/o network", "time_elapsed_net", "ms"),
    ("Time remaining", "time_remaining", "ms"),
    ("Data processed", "data_processed", "bytes"),
    ("Data remaining", "data_remaining", "bytes"),
    ("Data total", "data_total", "bytes"),
    ("Memory processed", "memory_processed", "bytes"),
    ("Memory remaining", "memory_remaining", "bytes"),
    ("Memory total", "memory_total", "bytes"),
    ("Memory bandwidth", "memory_bps", "rate"),
    ("Dirty rate", "memory_dirty_rate", "pages/s"),
    ("Page size", "memory_page_size", "plain bytes"),
    ("Iteration", "memory_iteration", ""),
    ("Postcopy requests", "memory_postcopy_requests", ""),
    ("File processed", "disk_processed", "bytes"),
    ("File remaining", "disk_remaining", "bytes"),
    ("File total", "disk_total", "bytes"),
    ("File bandwidth", "disk_bps", "rate"),
    ("Constant pages", "memory_constant", ""),
    ("Normal pages", "memory_normal", ""),
    ("Normal data", "memory_normal_bytes", "bytes"),
    ("Total downtime", "downtime", "ms"),
    ("Expected downtime", "downtime", "ms"),
    ("Downtime w/o network", "downtime_net", "ms"),
    ("Setup time", "setup_time", "ms"),
    ("Compression cache", "compression_cache", "bytes"),
    ("Compressed data", "compression_bytes", "bytes"),
    ("Compressed pages", "compression_pages", "wide"),
    ("Compression cache misses", "compression_cache_misses", "wide"),
    ("Compression overflows", "compression_overflow", "wide"),
    ("Auto converge throttle", "auto_converge_throttle", "wide"),
    ("Temporary disk space use", "disk_temp_used", "bytes"),
    ("Temporary disk space total", "disk_temp_total", "bytes"),
    ("Error message", "errmsg", ""),
)
_MEMORY_ALONE = ("memory_bps", "memory_dirty_rate", "memory_page_size", "memory_iteration", "memory_postcopy_requests")
# virsh prints these groups only if one of the first fields is not zero.
_GROUPS = (
    (("data_processed", "data_remaining", "data_total"), ()),
    (("memory_processed", "memory_remaining", "memory_total"), _MEMORY_ALONE),
    (("disk_processed", "disk_remaining", "disk_total"), ("disk_bps",)),
)
_HEADS = {name for heads, _ in _GROUPS for name in heads}
# The typed parameters in the order in which libvirt's QEMU driver sends them, then what a block job has instead.
_PARAMETERS = (
    *("operation", "time_elapsed", "time_elapsed_net", "time_remaining", "downtime", "downtime_net", "setup_time"),
    *("data_total", "data_processed", "data_remaining"),
    *("memory_total", "memory_processed", "memory_remaining", "memory_bps"),
    *("memory_constant", "memory_normal", "memory_normal_bytes"),
    *("memory_dirty_rate", "memory_iteration", "memory_postcopy_requests", "memory_page_size"),
    *("disk_total", "disk_processed", "disk_remaining", "disk_bps"),
    *("compression_cache", "compression_bytes", "compression_pages"),
    *("compression_cache_misses", "compression_overflow", "auto_converge_throttle"),
    *("disk_temp_used", "disk_temp_total", "success", "errmsg"),
    *("disk", "ready"),
)


def lines(stats: JobStats | None, completed: bool = False, any_stats: bool = True) -> Iterator[str]:
    """The lines that ``virsh domjobinfo`` prints for the job, byte for byte, so that the same scripts can read them.

    `completed` is its option of that name, and `any_stats` its ``--anystats``: without it, virsh prints no more than
    the operation of a job that failed or was cancelled, or that is completed but still current.
    """
    yield f"{'Job type:':<17} {_type(stats):<12}"
    if stats is None or stats.type is JobType.NONE:
        return
    printed = list(_printed(stats))
    usual = stats.type in (JobType.BOUNDED, JobType.UNBOUNDED) or (completed and stats.type is JobType.COMPLETED)
    for label, value in printed if usual or any_stats else printed[:1]:
        yield f"{label + ':':<17} {value}"


def raw_lines(stats: JobStats | None) -> Iterator[str]:
    """The lines that ``virsh domjobinfo --rawstats`` prints: libvirt's own names and numbers, those known here."""
    yield f"Job type: {int(stats.type if stats else JobType.NONE)}"
    yield ""
    if stats is None or stats.type is JobType.NONE:
        return
    for name in _PARAMETERS:
        value = getattr(stats, name)
        if value is not None and not (name == "time_elapsed" and stats.disk is not None):
            yield f"{name}: {int(value) if isinstance(value, int) else value}"


def facts(stats: JobStats) -> Iterator[tuple[str, str]]:
    """The labels and values that domjobinfo prints for the job, the operation first."""
    return ((label, value.rstrip()) for label, value in _printed(stats))


def _printed(stats: JobStats) -> Iterator[tuple[str, str]]:
    yield "Operation", f"{_operation(stats.operation):<12}"
    if stats.disk is not None:
        yield "Disk", stats.disk
    if stats.ready is not None:
        yield "Ready", "yes" if stats.ready else "no"
    silent = set(_silent(stats))
    for label, name, unit in _FIELDS:
        value = getattr(stats, name)
        if value is None and name in _HEADS:
            value = 0
        if label not in silent and name not in silent and value is not None:
            yield label, _value(value, unit)


def _silent(stats: JobStats) -> Iterator[str]:
    """The fields and labels that virsh leaves out of these stats, though they are there."""
    yield "Expected downtime" if stats.type is JobType.COMPLETED else "Total downtime"
    if stats.disk is not None:
        yield "time_elapsed"  # libvirt does not report it.
    if stats.type is not JobType.BOUNDED:
        yield "time_remaining"
    for heads, others in _GROUPS:
        if not any(getattr(stats, name) for name in heads):
            yield from (*heads, *others)
    yield from (name for name in ("memory_bps", "disk_bps") if not getattr(stats, name))


def _type(stats: JobStats | None) -> str:
    job_type = stats.type if stats else JobType.NONE
    return _TYPES.get(job_type, f"Unknown ({int(job_type)})")


def _operation(operation: Operation) -> str:
    return _OPERATIONS.get(operation, operation.label.capitalize())


def _value(value: int | str, unit: str) -> str:
    if not isinstance(value, int):
        return value
    match unit:
        case "":
            return f"{value:<12}"
        case "wide":
            return f"{value:<13}"
        case "bytes":
            return _scaled(value)
        case "rate":
            return f"{_scaled(value)}/s"
        case "plain bytes":
            return f"{value:<12} bytes"
    return f"{value:<12} {unit}"


def _scaled(count: float) -> str:
    unit = 0
    while count >= 1024 and unit < len(_UNITS) - 1:
        count /= 1024
        unit += 1
    return f"{count:.3f} {_UNITS[unit]}"
