"""``/api/v1``: one description (OpenAPI 3.1), one way to say no, and the routers that apps bring."""

import logging
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError
from ninja.openapi.docs import DocsBase
from ninja.throttling import AuthRateThrottle

from advocacy.api.auth import Bearer
from advocacy.api.description import calls_of
from advocacy.api.problems import problem
from advocacy.lib.endpoints import Problem
from advocacy.lib.lifecycle import Refused

log = logging.getLogger(__name__)


class OwnPage(DocsBase):
    """The description as a page of the portal: no script of another house, so the content policy stays strict."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        return TemplateResponse(
            request, "api/docs.html", {"calls": calls_of(api.get_openapi_schema()), "title": api.title}
        )


api = NinjaAPI(
    title="Advocacy portal",
    version="1",
    description="What other systems bring and read. Every call carries `Authorization: Bearer adv_…`.",
    urls_namespace="api",
    auth=Bearer(),
    throttle=[AuthRateThrottle("600/m")],
    docs_url="/docs",
    docs=OwnPage(),
    openapi_url="/openapi.json",
)


@api.exception_handler(Problem)
def _problem(request: HttpRequest, wrong: Problem) -> HttpResponse:
    return problem(wrong.status, wrong.detail, title=wrong.title, errors=wrong.errors)


@api.exception_handler(Refused)
def _refused(request: HttpRequest, wrong: Refused) -> HttpResponse:
    return problem(409, str(wrong))


@api.exception_handler(AuthenticationError)
def _nobody(request: HttpRequest, wrong: AuthenticationError) -> HttpResponse:
    return problem(401, _("Send a token that stands: “Authorization: Bearer adv_…”. An administrator makes one."))


@api.exception_handler(PermissionDenied)
def _denied(request: HttpRequest, wrong: PermissionDenied) -> HttpResponse:
    return problem(403, str(wrong) or _("This token may not do that."))


@api.exception_handler(Http404)
def _nothing(request: HttpRequest, wrong: Http404) -> HttpResponse:
    return problem(404, _("There is nothing at this address."))


@api.exception_handler(Throttled)
def _too_fast(request: HttpRequest, wrong: Throttled) -> HttpResponse:
    answer = problem(429, _("Too many calls. Wait as long as “Retry-After” says, then go on."))
    answer["Retry-After"] = str(max(1, round(wrong.wait or 1)))
    return answer


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, wrong: ValidationError) -> HttpResponse:
    errors = [
        {"pointer": "/" + "/".join(str(step) for step in one["loc"] if step not in {"body", "query", "payload"}),
         "detail": one["msg"]}
        for one in wrong.errors
    ]  # fmt: skip
    return problem(422, _("Something in the request does not fit; each error says where and why."), errors=errors)


@api.exception_handler(Exception)
def _broken(request: HttpRequest, wrong: Exception) -> HttpResponse:
    log.exception("A call of the API failed", exc_info=wrong)
    return problem(500, _("Something broke on our side and nothing was kept. Send the same again with its key."))


@api.exception_handler(HttpError)
def _http(request: HttpRequest, wrong: HttpError) -> HttpResponse:
    said = _("The body is not JSON. Send “Content-Type: application/json” and a JSON document.")
    return problem(wrong.status_code, said if wrong.status_code == 400 else str(wrong))


OURS = {"advocacy", "advocates", "opportunities", "community", "newsletter"}


def _routers() -> list[Any]:
    """What the portal's own apps bring, each in its ``api.py``."""
    found = []
    for config in apps.get_app_configs():
        name = f"{config.name}.api"
        if config.label != "api" and config.name.split(".")[0] in OURS and find_spec(name) is not None:
            found.append(import_module(name).router)
    return found


for _router in _routers():
    api.add_router("", _router)
