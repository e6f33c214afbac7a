"""The portal with one address more: a page of one query, behind the same middleware, session and user."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "advocacy.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

from advocacy.urls import handler400, handler403, handler404, handler500, urlpatterns  # noqa: E402
from advocacy.users.rights import signed_in  # noqa: E402
from opportunities.models import Opportunity  # noqa: E402

__all__ = ["application", "handler400", "handler403", "handler404", "handler500", "urlpatterns"]


@signed_in
def one_query(request: HttpRequest) -> HttpResponse:
    return HttpResponse(Opportunity.objects.values_list("title", flat=True).get(pk=1), content_type="text/plain")


urlpatterns = [path("one-query/", one_query), *urlpatterns]
settings.ROOT_URLCONF = __name__

from advocacy.wsgi import application  # noqa: E402
