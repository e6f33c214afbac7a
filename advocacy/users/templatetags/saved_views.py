"""``{% saved_views %}``: the button behind which somebody's views of this page open. It asks for them when opened."""

from typing import Any
from urllib.parse import urlencode

from django import template
from django.template.context import Context

from advocacy.users.saving import kept_of

register = template.Library()


@register.inclusion_tag("components/saved_views.html", takes_context=True)
def saved_views(context: Context) -> dict[str, Any]:
    """No query: a list costs the same whether anybody keeps views of it or not."""
    request = context["request"]
    return {"asked": urlencode({"path": request.path, "query": kept_of(request.GET)})}
