"""``python -m benchmarks [NAME]``: measure, print a table, write the results."""

import sys

from benchmarks.harness import UnknownBenchmarkError, choose, run


def main(arguments: list[str]) -> int:
    """Run the benchmarks that are named, or all; return the exit code."""
    try:
        names = choose(arguments)
    except UnknownBenchmarkError as error:
        print(error, file=sys.stderr)
        return 2
    for name in names:
        run(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
