"""An account that no import has brought: somebody applies from a company the records do not know (P7)."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from advocacy.crm.models import Account
from advocacy.lib.lifecycle import Refused
from advocates.actions import joining
from advocates.models import Application


@transaction.atomic
def accept_with_new_account(application: Application, *, name: str, at: datetime, by: object) -> joining.Joined:
    """Add the company and accept whoever applied from it. The same application adds it once."""
    name = " ".join(name.split())
    if not name:
        raise Refused(_("Give the name of the company, as it should stand in the records."))
    if len(name) > 200:
        raise Refused(_("Shorten the company’s name to 200 characters."))
    if Account.objects.filter(name__iexact=name).exclude(external_id=_id(application)).exists():
        raise Refused(_("“%(name)s” is in the records. Search it above and choose it.") % {"name": name})
    account, _new = Account.objects.get_or_create(
        source="portal", external_id=_id(application),
        defaults={
            "name": name, "region": application.region, "language": application.language,
            "time_zone": application.time_zone, "facts_at": at,
        },
    )  # fmt: skip
    return joining.accept_application(application, account=account, at=at, by=by)


def _id(application: Application) -> str:
    return f"application:{application.public_id}"
