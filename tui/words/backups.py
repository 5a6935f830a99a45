"""What a backup is made of, in words."""

from __future__ import annotations

from collections.abc import Iterator

from backend.backup import Backup, BackupDisk
from tui.words.jobs import PULL_ENDS


def lines(backup: Backup) -> Iterator[str]:
    """Its kind, then each disk: where its copy goes, or how its client reads it."""
    what = f"pull backup, ends {PULL_ENDS}" if backup.pull else "push backup, ends by itself"
    yield f"{what}; NBD server: {backup.server}" if backup.server else what
    for disk in backup.disks:
        yield f"{disk.disk}: {'; '.join(map(' '.join, facts(backup, disk)))}"


def facts(backup: Backup, disk: BackupDisk) -> list[tuple[str, str]]:
    """What is known of a disk, each with a word for it: ``("export", "nbd://hv3:10809/vda")``."""
    known = [
        ("export", disk.export),
        ("scratch" if backup.pull else "to", disk.image),
        ("changes since", disk.incremental),
    ]
    return [(word, value) for word, value in known if value] or [("to", "an unknown target")]
