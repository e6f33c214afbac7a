"""The same request twice is done once: idempotency keys, and a bound on what is read."""

import hashlib
from collections.abc import Callable

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from advocacy.api.auth import asking
from advocacy.api.models import Answered
from advocacy.api.problems import CONTENT_TYPE, problem
from advocacy.lib.endpoints import MOST_BYTES

WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
UNDER = "/api/v1/"
NOT_KEPT = frozenset({401, 403, 429})
"""Answers about who asks and how often: with another token or later they would be others."""
ELSE_A_PAGE = {
    404: _l("There is nothing at this address. /api/v1/openapi.json lists all there is."),
    405: _l("This address does not take that method. /api/v1/openapi.json says which."),
}
"""What Django answers itself, for people, before any endpoint is found."""


class OnceForEachKey:
    """``Idempotency-Key``: the same request under the same key gets the answer it got, another one is refused.

    Everything a request writes stands in one transaction with its answer. Whoever sends the same key meanwhile waits
    at its unique row for that transaction, and then finds the answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(UNDER):
            return self.get_response(request)
        answer = self._once(request) if request.method in WRITING else self.get_response(request)
        if answer.status_code in ELSE_A_PAGE and answer.headers.get("Content-Type") != CONTENT_TYPE:
            return problem(answer.status_code, str(ELSE_A_PAGE[answer.status_code]))
        return answer

    def _once(self, request: HttpRequest) -> HttpResponse:
        length = request.headers.get("Content-Length") or "0"
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return problem(413, _("The body is larger than 1 MB. Send it in several requests."))
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return self.get_response(request)
        if len(key) > 200 or not key.isprintable():
            return problem(400, _("An idempotency key has up to 200 printable characters, such as a UUID."))
        token = asking(request)
        if token is None:
            return self.get_response(request)  # which says that nobody is known by it
        asked = hashlib.sha256(
            b"\n".join([(request.method or "").encode(), request.get_full_path().encode(), request.body])
        ).hexdigest()
        with transaction.atomic():
            try:
                with transaction.atomic():
                    mine = Answered.objects.create(token=token, key=key, asked=asked, at=timezone.now())
            except IntegrityError:
                known = Answered.objects.get(token=token, key=key)
                if known.asked != asked:
                    return problem(422, _("This idempotency key was used for another request. Use a new one for this."))
                again = HttpResponse(bytes(known.body), status=known.status or 200, content_type=known.content_type)
                again["Idempotent-Replayed"] = "true"
                return again
            answer = self.get_response(request)
            if answer.status_code in NOT_KEPT or answer.status_code >= 500:
                transaction.set_rollback(True)
                return answer
            mine.status, mine.content_type, mine.body = answer.status_code, answer["Content-Type"], answer.content
            mine.save(update_fields=["status", "content_type", "body"])
            return answer
