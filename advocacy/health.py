"""What machines ask: is the process alive, can it serve, what are its figures."""

from hmac import compare_digest
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import Error as DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView

from advocacy.users.rights import public

logger = structlog.get_logger(__name__)

_migrated = False  # once true it stays true for this process: its own migrations do not grow


@public
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Public: an orchestrator asks without a session. The process answers; nothing else is looked at."""
    return HttpResponse("ok\n", content_type="text/plain")


@public
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Public: a load balancer asks without a session. 200 when pages can be served, else 503; never a detail.

    Redis only speeds things up, so its loss does not take the portal out of service: it is reported, not counted.
    """
    parts = {"database": _database(), "migrations": _migrations(), "redis": _redis()}
    ready = parts["database"] == "ok" and parts["migrations"] == "ok"
    return JsonResponse({"ready": ready, **parts}, status=200 if ready else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        logger.warning("database_away", exc_info=True)
        return "away"
    return "ok"


def _migrations() -> str:
    global _migrated
    if not _migrated:
        try:
            executor = MigrationExecutor(connection)
            _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        except DatabaseError:
            return "unknown"
    return "ok" if _migrated else "waiting: run manage.py migrate"


def _redis() -> str:
    try:
        cache.get("readyz")
        client: Any = getattr(cache, "_cache", None)
        if client is not None and hasattr(client, "get_client"):
            client.get_client().ping()
    except Exception:  # whatever the client raises: it is not there
        return "away: the clock finds what no nudge brings"
    return "ok"


@public
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Public as a route, closed by its own key: ``METRICS_TOKEN`` as a bearer token.

    Without a token it answers this machine only, and only outside production: behind a proxy on the same host every
    visitor would look like this machine.
    """
    if not _may_read_metrics(request):
        raise Http404
    return ExportToDjangoView(request)


def _may_read_metrics(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    if token:
        given = request.headers.get("Authorization", "")
        return compare_digest(given.encode(), f"Bearer {token}".encode())
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"))
    return not settings.PRODUCTION and not forwarded and request.META.get("REMOTE_ADDR") in {"127.0.0.1", "::1"}


urlpatterns: list[URLPattern] = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
