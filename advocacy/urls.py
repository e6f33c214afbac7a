"""Every address of the portal. Apps are included by name; each route declares who may enter (``users.rights``)."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

admin.autodiscover()
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("advocates.urls")),
    path("", include("opportunities.urls")),
    path("community/", include("community.urls")),
    path("newsletter/", include("newsletter.urls")),
    path("dashboards/", include("advocacy.dashboards.urls")),
    path("imports/", include("advocacy.crm.urls")),
    path("duplicates/", include("advocacy.crm.duplicate_urls")),
    path("views/", include("advocacy.users.urls")),
    path("mail/", include("advocacy.delivery.urls")),
    path("api/", include("advocacy.api.urls")),
    path("", include("advocacy.lib.urls")),
    path("", include("advocacy.health")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "advocacy.lib.errors.bad_request"
handler403 = "advocacy.lib.errors.forbidden"
handler404 = "advocacy.lib.errors.not_found"
handler500 = "advocacy.lib.errors.server_error"
