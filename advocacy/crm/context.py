"""The program's own name, logo and colour, for every page."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from advocacy.crm.models import Program


def program(request: HttpRequest) -> dict[str, Any]:
    return {"program": SimpleLazyObject(Program.current)}
