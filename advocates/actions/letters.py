"""What is written between an advocate and us reaches the timeline: replies, copies, forwards, and by hand (P11)."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from advocacy.crm import spine
from advocacy.crm.catalogue import Deed
from advocacy.crm.models import Contact
from advocacy.delivery import outbox
from advocacy.delivery.inbound import Incoming, keep_address
from advocacy.delivery.notifications import notify, settled
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, RoleGrant, User
from advocates import pods
from advocates.actions.joining import matching_contact
from advocates.models import Advocate, Letter, Task

logger = structlog.get_logger(__name__)

MOST_PEOPLE = 10
"""Contacts one copied mail is kept for: an invitation to a fair in copy of a hundred is no letter to each."""
_ADDRESS = re.compile(r"[\w.+'-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_FROM = re.compile(r"(?im)^\W{0,6}(?:from|von|de|da|van)\s?\*{0,2}:\*{0,2}(.{1,300})$")


# --- Mail that comes in -----------------------------------------------------------------------------------------------
def receive(mail: Incoming) -> list[Letter]:
    """Keep a mail with whoever it is from or to; the same mail twice is kept once. Returns what is new."""
    at = timezone.now()
    if mail.answers is not None and mail.answers.contact is not None:
        letter = _keep_theirs(mail, mail.answers.contact, source=Letter.Source.REPLY, at=at)
        return [letter] if letter else []
    colleague = _colleague(mail.sender)
    if colleague is None:
        contact = matching_contact(mail.sender)
        letter = _keep_theirs(mail, contact, source=Letter.Source.MAIL, at=at) if contact else None
        if contact is None:
            logger.info("mail_from_nobody_we_know", subject=mail.subject[:80])
        return [letter] if letter else []
    people = [contact for address in mail.to if (contact := matching_contact(address))]
    if people:
        kept = [_keep_ours(mail, contact, colleague, at=at) for contact in people[:MOST_PEOPLE]]
        return [letter for letter in kept if letter]
    origin = _forwarded_from(mail.text)
    if origin is None:
        logger.info("mail_about_nobody_we_know", subject=mail.subject[:80])
        return []
    letter = _keep_theirs(mail, origin, source=Letter.Source.FORWARDED, at=at, colleague=colleague)
    return [letter] if letter else []


def _colleague(address: str) -> User | None:
    """Somebody of ours: active, and more than an advocate."""
    grants = RoleGrant.objects.exclude(role=Role.ADVOCATE)
    return User.objects.filter(email__iexact=address, is_active=True, pk__in=grants.values("user")).first()


def _forwarded_from(text: str) -> Contact | None:
    """Whose mail was forwarded: the first “From:” line of the text that names somebody we know."""
    for line in _FROM.findall(text)[:5]:
        for address in _ADDRESS.findall(line):
            if contact := matching_contact(address):
                return contact
    return None


@transaction.atomic
def _keep_theirs(
    mail: Incoming, contact: Contact, *, source: str, at: datetime, colleague: User | None = None
) -> Letter | None:
    """What somebody wrote to us: on the timeline, and a task for whoever looks after them until it is answered."""
    letter = _keep(
        contact, message_id=mail.message_id, from_them=True, source=source, colleague=colleague, sender=mail.sender,
        subject=mail.subject, text=mail.text, automatic=mail.automatic, left_out=mail.left_out, at=mail.at,
        received_at=at,
    )  # fmt: skip
    if letter is None or mail.automatic:
        return letter
    reader = (colleague if source == Letter.Source.FORWARDED else None) or _meant(mail) or _manager(contact)
    if reader is not None:
        _wait_for_answer(letter, reader, told_by_mail=source != Letter.Source.FORWARDED, at=at)
    return letter


def _keep_ours(mail: Incoming, contact: Contact, colleague: User, *, at: datetime) -> Letter | None:
    letter = _keep(
        contact, message_id=mail.message_id, from_them=False, source=Letter.Source.COPIED, colleague=colleague,
        sender=mail.sender, subject=mail.subject, text=mail.text, left_out=mail.left_out, at=mail.at, received_at=at,
    )  # fmt: skip
    if letter is not None:
        _answered(contact, by=colleague, at=at)
    return letter


@transaction.atomic
def _keep(contact: Contact, *, message_id: str, asked_for_nothing: bool = False, **facts: Any) -> Letter | None:
    letter, new = Letter.objects.get_or_create(contact=contact, message_id=message_id, defaults=facts)
    if not new:
        return None
    if not letter.automatic:
        ours = Deed.NOTED if asked_for_nothing else Deed.WRITTEN_TO
        deed = Deed.WROTE if letter.from_them else ours
        spine.record(deed, at=letter.at, source=letter, contact=contact, by=letter.colleague)
    return letter


def _meant(mail: Incoming) -> User | None:
    """The colleague an answered mail of ours was from."""
    reply_to = mail.answers.reply_to if mail.answers else ""
    return _colleague(reply_to) if reply_to else None


def _manager(contact: Contact) -> User | None:
    advocate = Advocate.objects.filter(contact=contact).select_related("pod__manager").first()
    found: User | None = (advocate.manager if advocate else None) or pods.manager_of_account(contact.account)
    return found


def _wait_for_answer(letter: Letter, reader: User, *, told_by_mail: bool, at: datetime) -> Task:
    contact = letter.contact
    advocate = Advocate.objects.filter(contact=contact).first()
    said = letter.subject or letter.text[:120]
    task, _new = Task.objects.get_or_create(
        key=f"reply:advocates.letter:{letter.pk}",
        defaults={
            "kind": Task.Kind.REPLY, "advocate": advocate, "account": contact.account, "assignee": reader,
            "text": (_("%(name)s wrote: %(text)s") % {"name": contact.full_name, "text": said})[:300],
            "due_at": at, "created_at": at,
        },
    )  # fmt: skip
    notify(reader, "note", key=str(task.pk), text=task.text, url=f"/letters/{letter.public_id}/", at=at)
    if told_by_mail:
        outbox.owe(
            "letter", to=reader, template="advocates/letter", dedupe_key=str(letter.pk), at=at, counts=False,
            reply_to=contact.email,
            params={
                "name": contact.full_name, "company": contact.account.name, "about": letter.subject,
                "text": letter.text[:4_000], "letter": str(letter.public_id), "keep": keep_address(),
            },
        )  # fmt: skip
    return task


def _answered(contact: Contact, *, by: Any, at: datetime) -> None:
    """A colleague has written: what waited for an answer from them does so no more."""
    waiting = Task.objects.filter(
        kind=Task.Kind.REPLY, advocate__contact=contact, assignee=by, done_at__isnull=True, created_at__lte=at
    )
    for task in waiting:
        settled("note", key=str(task.pk), at=at)
    waiting.update(done_at=at, done_by=by)


# --- In the portal ----------------------------------------------------------------------------------------------------
@transaction.atomic
def write_to_manager(advocate: Advocate, *, text: str, at: datetime) -> User:
    """A message to the person named on the home page: on the timeline, a mail they can answer, and a task till then."""
    text = text.strip()
    if not text:
        raise Refused(_("Write a few words first."))
    contact = advocate.contact
    manager = advocate.manager or pods.manager_of_account(contact.account)
    if manager is None:
        raise Refused(_("Nobody is named for you yet. Answer any mail of the program; it reaches the team."))
    letter = _keep(
        contact, message_id=f"portal:{at.isoformat()}", from_them=True, source=Letter.Source.PORTAL, text=text,
        sender=contact.email, at=at, received_at=at,
    )  # fmt: skip
    found: User = manager
    if letter is None:
        return found  # the form was sent twice
    _wait_for_answer(letter, found, told_by_mail=False, at=at)
    outbox.owe(
        "note", to=manager, template="advocates/note", dedupe_key=str(letter.pk), at=at, counts=False,
        reply_to=contact.email,
        params={
            "text": text, "name": contact.full_name, "company": contact.account.name,
            "advocate": str(advocate.public_id),
        },
    )  # fmt: skip
    return found


LONGEST_AGO = timedelta(days=3_660)


@transaction.atomic
def write_down(
    advocate: Advocate, *, from_them: bool, text: str, subject: str, day: date, asked_for_nothing: bool, key: str,
    at: datetime, by: Any,
) -> Letter | None:  # fmt: skip
    """Keep by hand what was written or said elsewhere. The same ``key`` (of the form) twice is kept once.

    Ours to them, when it asked for nothing, is a touch.
    """
    text = text.strip()
    if not text:
        raise Refused(_("Paste the mail, or write in a few words what was said."))
    today = timezone.localdate(at)
    if day > today:
        raise Refused(_("That day has not come yet. Choose the day on which it was written."))
    if day < today - LONGEST_AGO:
        raise Refused(_("That is more than ten years ago. Choose the day on which it was written."))
    when = at if day == today else datetime.combine(day, time(12), tzinfo=timezone.get_current_timezone())
    letter = _keep(
        advocate.contact, message_id=f"by-hand:{key}", from_them=from_them, source=Letter.Source.BY_HAND, colleague=by,
        subject=subject.strip()[:300], text=text[:20_000], at=when, received_at=at,
        asked_for_nothing=asked_for_nothing,
    )  # fmt: skip
    if letter is not None and not from_them:
        _answered(advocate.contact, by=by, at=at)
    return letter


@transaction.atomic
def take_back(letter: Letter, *, by: Any) -> None:
    """Words written down by hand on the wrong page go; that something was written down stays on the timeline."""
    if letter.source != Letter.Source.BY_HAND or letter.colleague_id != by.pk:
        raise Refused(_("Only who wrote something down by hand can take it back."))
    Letter.objects.filter(pk=letter.pk).update(subject=_("Taken back: it was not theirs"), text="")
    letter.refresh_from_db()
