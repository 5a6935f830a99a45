"""Job stats with the labels and units of ``virsh domjobinfo``."""

from __future__ import annotations

from collections.abc import Iterator

from backend.model import JobOperation, JobStats, JobType

_TYPES = {
    JobType.NONE: "None",
    JobType.BOUNDED: "Bounded",
    JobType.UNBOUNDED: "Unbounded",
    JobType.COMPLETED: "Completed",
    JobType.FAILED: "Failed",
    JobType.CANCELLED: "Cancelled",
}
_OPERATIONS = {
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
    ("Page size", "memory_page_size", "page"),
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
    ("Compressed pages", "compression_pages", ""),
    ("Compression cache misses", "compression_cache_misses", ""),
    ("Compression overflows", "compression_overflow", ""),
    ("Auto converge throttle", "auto_converge_throttle", ""),
    ("Temporary disk space use", "disk_temp_used", "bytes"),
    ("Temporary disk space total", "disk_temp_total", "bytes"),
    ("Error message", "errmsg", ""),
)


def lines(stats: JobStats | None) -> Iterator[str]:
    """The lines that domjobinfo prints for the current job."""
    yield f"{'Job type:':<17} {_type(stats)}"
    if stats is None or stats.type is JobType.NONE:
        return
    for label, value in facts(stats):
        yield f"{label + ':':<17} {value}"


def facts(stats: JobStats) -> Iterator[tuple[str, str]]:
    """The labels and values of all that the stats have, the operation first."""
    yield "Operation", _operation(stats.operation)
    unwanted = "Expected downtime" if stats.type is JobType.COMPLETED else "Total downtime"
    for label, name, unit in _FIELDS:
        value = getattr(stats, name)
        if value is not None and label != unwanted:
            yield label, _value(value, unit)


def _type(stats: JobStats | None) -> str:
    type = stats.type if stats else JobType.NONE
    return _TYPES.get(type, f"Unknown ({int(type)})")


def _operation(operation: JobOperation) -> str:
    return _OPERATIONS.get(operation, operation.label.capitalize())


def _value(value: int | str, unit: str) -> str:
    if not isinstance(value, int) or not unit:
        return str(value)
    if unit == "bytes":
        return _scaled(value)
    if unit == "rate":
        return f"{_scaled(value)}/s"
    if unit == "page":
        return f"{value} bytes"
    return f"{value:<12} {unit}"


def _scaled(count: float) -> str:
    unit = 0
    while count >= 1024 and unit < len(_UNITS) - 1:
        count /= 1024
        unit += 1
    return f"{count:.3f} {_UNITS[unit]}"
