"""What the lists of requests and claims hold as files (``advocacy.lib.export``)."""

from django.utils.translation import gettext_lazy as _

from advocacy.lib.export import Column

REQUESTS = (
    Column(_("number"), "pk"),
    Column(_("prospect company"), "prospect"),
    Column(_("what is wanted"), "kind.name"),
    Column(_("how many"), "wanted"),
    Column(_("requester"), "requester"),
    Column(_("team"), "team"),
    Column(_("deal"), "deal.name"),
    Column(_("value"), "deal.value"),
    Column(_("currency"), "deal.currency"),
    Column(_("industry"), "industry"),
    Column(_("region"), "region"),
    Column(_("product"), "product"),
    Column(_("use case"), "use_case"),
    Column(_("filed"), "filed_at"),
    Column(_("needed by"), "needed_by"),
    Column(_("status"), "get_status_display"),
    Column(_("waiting for"), "get_waiting_for_display"),
    Column(_("reference manager"), "manager"),
    Column(_("first yes"), "first_yes_at"),
    Column(_("fulfilled"), "fulfilled_at"),
    Column(_("closed"), "closed_at"),
    Column(_("reason"), "close_reason"),
)

CLAIMS = (
    Column(_("advocate"), "advocate.contact.full_name"),
    Column(_("e-mail"), "advocate.contact.email", right="crm.view_contact"),
    Column(_("account"), "advocate.contact.account.name"),
    Column(_("opportunity"), "opportunity.title"),
    Column(_("kind"), "opportunity.kind.name"),
    Column(_("status"), "get_status_display"),
    Column(_("claimed"), "claimed_at"),
    Column(_("takes place"), "scheduled_for"),
    Column(_("minutes"), "minutes"),
    Column(_("delivered"), "delivered_at"),
    Column(_("verified"), "verified_at"),
    Column(_("reason"), "reason"),
)
