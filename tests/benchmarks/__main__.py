"""Run benchmarks and print their figures: ``python -m tests.benchmarks [NAME ...]``; all without a name.

A benchmark is a module here with a function `figures`; it is named below. What is slow is printed, it fails nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module

from tests.benchmarks.figures import Figure, table

BENCHMARKS = (
    "start",
    "console",
    "slow_terminal",
    "many_hosts",
    "sweep",
    "waits",
    "many_waits",
    "detection",
    "cost",
    "witness",
    "fleet",
    "growth",
)


def main() -> None:
    names = sys.argv[1:] or BENCHMARKS
    if unknown := set(names) - set(BENCHMARKS):
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(BENCHMARKS)}")
    figures: list[Figure] = []
    for name in names:
        try:
            figures += import_module(f"tests.benchmarks.{name}").figures()
        except Exception as error:
            print(f"{name}: not measured: {type(error).__name__}: {error}", file=sys.stderr)
    print("\n".join(table(figures)))


if __name__ == "__main__":
    main()
