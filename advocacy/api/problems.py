"""Every refusal of the API as problem details (RFC 9457): what is wrong, and what to do."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse, JsonResponse

CONTENT_TYPE = "application/problem+json"


def problem(status: int, detail: str, *, title: str = "", errors: Sequence[dict[str, Any]] = ()) -> HttpResponse:
    """The answer to a request that cannot be done; ``errors`` point into the body by JSON pointers (RFC 6901)."""
    told: dict[str, Any] = {
        "type": "about:blank", "title": title or HTTPStatus(status).phrase, "status": status, "detail": detail,
    }  # fmt: skip
    if errors:
        told["errors"] = list(errors)
    answer = JsonResponse(told, status=status, content_type=CONTENT_TYPE, json_dumps_params={"ensure_ascii": False})
    if status == HTTPStatus.UNAUTHORIZED:
        answer["WWW-Authenticate"] = "Bearer"
    return answer
