"""``{% saved_views %}``: the filtered lists of this page somebody has kept, and the form that keeps another."""

from typing import Any

from django import template
from django.template.context import Context

from advocacy.users.models import SavedView
from advocacy.users.saving import kept_of

register = template.Library()


@register.inclusion_tag("components/saved_views.html", takes_context=True)
def saved_views(context: Context) -> dict[str, Any]:
    """One query, whatever the list."""
    request = context["request"]
    query = kept_of(request.GET)
    views = list(SavedView.objects.filter(user=request.user.pk, path=request.path))
    return {
        "views": views, "path": request.path, "query": query, "request": request, "csrf_token": context.get("csrf_token"),
        "current": next((view for view in views if view.query == query), None),
    }  # fmt: skip
