"""Where the next dump of a domain would go if nobody says otherwise."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from tui.cli.target import Target
from tui.config import dump_path
from tui.dumping.choice import suggested_folder


def default_path(target: Target, domain: str, format_name: str) -> str:
    """The path from the config's template, in the usual folder of the first hypervisor, which is not contacted.

    JournalError if that is the simulator, and the state folder cannot be used.
    """
    uri = target.uris[0]
    folder = suggested_folder(uri, local=not urlsplit(uri).netloc)
    return dump_path.filled(target.config.dump.path, folder, domain, format_name, time.time())
