"""What several commands take."""

from __future__ import annotations

import click

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
domain_argument = click.argument("domain", metavar="DOMAIN")
