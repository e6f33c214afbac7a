"""What the routers of the API share: problems in words, and scopes. Apps declare a ``router`` in their ``api.py``."""

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any, TypeVar

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.utils import contribute_operation_callback

View = TypeVar("View", bound=Callable[..., Any])

MOST_BYTES = 1_000_000
"""The largest body an answer is worked out for."""

_scopes: dict[str, Any] = {}


class Problem(Exception):
    """What is wrong with a request, as RFC 9457 has it: ``detail`` is a sentence that says what to do."""

    def __init__(self, status: int, detail: str, *, title: str = "", errors: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(detail)
        self.status, self.detail, self.title, self.errors = status, detail, title, list(errors)


def _describe(scope: str, operation: Any) -> None:
    operation.openapi_extra = {**(operation.openapi_extra or {}), "x-scope": scope}


def scopes() -> dict[str, Any]:
    """Every scope some endpoint asks for, with its words."""
    return dict(sorted(_scopes.items()))


def needs(scope: str, words: Any) -> Callable[[View], View]:
    """Declare the scope a token must have for an endpoint; asked before its body is looked at twice."""
    _scopes[scope] = words

    def mark(view: View) -> View:
        @wraps(view)
        def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            held = getattr(request.auth, "scopes", ())  # type: ignore[attr-defined]
            if scope not in held:
                raise Problem(
                    403, _("This token lacks the scope “%(scope)s”. Ask for one that has it.") % {"scope": scope}
                )
            return view(request, *args, **kwargs)

        contribute_operation_callback(asked, partial(_describe, scope))
        return asked  # type: ignore[return-value]

    return mark
