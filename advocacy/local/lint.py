"""``make lint``: every check that needs no running portal. All of them run, then the failed ones are named."""

import os
import secrets
import subprocess
import sys
import time

from advocacy.local.services import ROOT

LADDER = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


def environment(**more: str) -> dict[str, str]:
    """Settings that are safe and lead nowhere: no check may depend on what happens to run on this machine."""
    kept = {name: text for name, text in os.environ.items() if name in {"PATH", "HOME", "LANG", "LC_ALL", "TERM", "CI"}}
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "advocacy.settings",
        "ADVOCACY_MODE": "test",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "DATABASE_URL": "postgres:///nowhere?host=/nowhere",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "EMAIL_URL": "memorymail://",
        "DEBUG": "off",
        **more,
    }


PRODUCTION = {
    "ADVOCACY_MODE": "production",
    "ALLOWED_HOSTS": "portal.example.com",
    "SITE_URL": "https://portal.example.com",
    "EMAIL_URL": "smtp://mail.example.com:25",
}

CHECKS: tuple[tuple[str, tuple[str, ...], dict[str, str]], ...] = (
    ("style", ("-m", "ruff", "check", "."), {}),
    ("format", ("-m", "ruff", "format", "--check", "."), {}),
    ("ladder", ("-c", LADDER), {}),
    ("templates", ("-m", "djlint", "templates", "--lint", "--quiet"), {}),
    ("migrations", ("-W", "ignore::RuntimeWarning", "manage.py", "makemigrations", "--check", "--dry-run"), {}),
    ("deployment", ("manage.py", "check", "--deploy", "--fail-level", "WARNING"), PRODUCTION),
    ("types", ("-m", "mypy"), {}),
)


def lint() -> int:
    failed = []
    for name, command, more in CHECKS:
        began = time.monotonic()
        sys.stdout.write(f"--- {name}: {' '.join(part for part in command if part != LADDER) or 'imports'}\n")
        sys.stdout.flush()
        done = subprocess.run(  # noqa: S603 - the commands above
            [sys.executable, *command], cwd=ROOT, env=environment(**more), stdin=subprocess.DEVNULL, check=False
        )
        word = "ok" if done.returncode == 0 else "FAILED"
        sys.stdout.write(f"    {name} {word} ({time.monotonic() - began:.1f} s)\n")
        if done.returncode:
            failed.append(name)
    sys.stdout.write(f"make lint: {'all is well' if not failed else 'failed in ' + ', '.join(failed)}\n")
    return 1 if failed else 0
