"""Fill an empty database with the demo program."""

import gc
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from advocacy.local import program


class Command(BaseCommand):
    help = "Fill an empty database with the demo program: nine months of history up to today, always the same."

    def handle(self, *args: Any, **options: Any) -> None:
        if program.is_seeded():
            self.stdout.write("The demo program is already there; nothing was changed.")
            return
        if program.Account.objects.exists():
            raise CommandError("This database already has accounts. The demo program needs an empty one.")
        began = time.monotonic()
        # Nine months leave millions of short-lived objects and no cycles worth looking for on the way.
        gc.disable()
        program.seed(say=lambda line: self.stdout.write(f"  {line}"))
        self.stdout.write(f"The demo program is ready after {time.monotonic() - began:.0f} s.")
