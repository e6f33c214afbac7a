"""What the lists of surveys hold as files (``advocacy.lib.export``). Where names are not shown, no file has them."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.lib.export import Column


def _day(moment: Any) -> Any:
    return timezone.localdate(moment) if moment else ""


SURVEYS = (
    Column(_("title"), "title"),
    Column(_("what it is about"), "get_kind_display"),
    Column(_("status"), "get_status_display"),
    Column(_("team"), "team"),
    Column(_("opened"), "opened_at"),
    Column(_("closes"), "closes_at"),
    Column(_("reached"), "response.reached"),
    Column(_("answered"), "response.answered"),
    Column(_("response rate"), "response.rate"),
)

_ANSWER = (
    Column(_("question"), "label"),
    Column(_("number"), "number"),
    Column(_("in words"), "text"),
    Column(_("day"), lambda row: _day(row.at)),
)
_WHO = (
    Column(_("name"), "invite.contact.full_name"),
    Column(_("account"), "invite.account.name"),
    Column(_("occasion"), "invite.slot"),
)
ANSWERS = (*_WHO, *_ANSWER)
ANSWERS_WITHOUT_NAMES = _ANSWER


def _named(name: str) -> Any:
    def value(row: Any) -> Any:
        if not row.survey.shows_names:
            return ""
        contact = row.answer.invite.contact
        return contact.full_name if name == "name" else row.answer.invite.account.name

    return value


FEEDBACK = (
    Column(_("survey"), "survey.title"),
    Column(_("team"), "team"),
    Column(_("name"), _named("name")),
    Column(_("account"), _named("account")),
    Column(_("in words"), "answer.text"),
    Column(_("day"), lambda row: _day(row.created_at)),
    Column(_("status"), "get_status_display"),
    Column(_("what came of it"), "note"),
    Column(_("by"), "by"),
)
