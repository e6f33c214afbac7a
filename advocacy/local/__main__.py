"""``python -m advocacy.local demo|services|stop|lint``: what the Makefile calls."""

import argparse
import sys

from advocacy.local import supervisor
from advocacy.local.lint import lint
from advocacy.local.processes import Trouble
from advocacy.local.services import Place


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def services() -> int:
    """Start Postgres and Valkey and print their addresses; nothing else goes to standard output."""
    place = Place(say=say)
    addresses = place.start()
    place.write(addresses)
    for name, url in addresses.items():
        sys.stdout.write(f"{name}={url}\n")
    return 0


def stop() -> int:
    place = Place(say=say)
    if not place.folder.is_dir():
        say("Nothing runs here.")
        return 0
    supervisor.end_running_demo(place, say=say)
    place.stop()
    say("PostgreSQL and Valkey are stopped; the data stay in .local/.")
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m advocacy.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="the whole portal with its demo program, in the foreground")
    demo.add_argument("--port", default="8000")
    commands.add_parser("services", help="only the embedded PostgreSQL and Valkey")
    commands.add_parser("stop", help="end them")
    commands.add_parser("lint", help="style, types, imports, templates, migrations, deployment checks")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "services":
            return services()
        if chosen.command == "stop":
            return stop()
        if chosen.command == "lint":
            return lint()
        return supervisor.demo(chosen.port, say=say)
    except Trouble as trouble:
        say(f"\n{trouble}")
        return 1
    except OSError as problem:
        say(f"\nIt could not go on: {problem.strerror or problem} ({problem.filename or 'no file named'}).")
        return 1


if __name__ == "__main__":
    sys.exit(main())
