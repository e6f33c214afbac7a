"""What advocates ask of us: an owner, a day, an outcome (P11)."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from advocacy.crm import spine
from advocacy.crm.catalogue import Deed, Purpose
from advocacy.delivery import outbox
from advocacy.delivery.notifications import notify, settled
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import User
from advocates import pods
from advocates.models import Advocate, Task, Wish

ANSWER_WITHIN = timedelta(days=14)
MOST_OPEN = 5
FARTHEST = timedelta(days=366)


def key_of(wish: Wish) -> str:
    """The key of its task, which says what the task is about."""
    return f"wish:advocates.wish:{wish.pk}"


@transaction.atomic
def wish(advocate: Advocate, *, kind: str, text: str, at: datetime) -> Wish:
    """An advocate asks for something. It goes to their manager, who answers within a fortnight or says when.

    The same words while they are open are the same wish.
    """
    Advocate.objects.select_for_update().get(pk=advocate.pk)
    text = text.strip()
    if not text:
        raise Refused(_("Say in a few words what you wish for."))
    open_ones = Wish.objects.filter(advocate=advocate, status=Wish.Status.OPEN)
    if known := open_ones.filter(kind=kind, text=text).first():
        return known
    if open_ones.count() >= MOST_OPEN:
        raise Refused(_("%(n)s wishes of yours are under way. Let us answer these first.") % {"n": MOST_OPEN})
    owner = advocate.manager or pods.manager_of_account(advocate.contact.account)
    made = Wish.objects.create(
        advocate=advocate, kind=kind, text=text, owner=owner, created_at=at,
        due_on=timezone.localdate(at) + ANSWER_WITHIN,
    )  # fmt: skip
    spine.record(Deed.WISHED, at=at, source=made, contact=advocate.contact)
    _give_task(made, at=at)
    return made


def _give_task(wish: Wish, *, at: datetime) -> None:
    """The owner's task, at once: they put it off themselves. A wish that is handed on takes its task along."""
    contact = wish.advocate.contact
    facts = {"assignee": wish.owner, "done_at": None, "done_by": None, "due_at": at}
    task, new = Task.objects.update_or_create(
        key=key_of(wish),
        defaults=facts,
        create_defaults={
            **facts, "kind": Task.Kind.WISH, "advocate": wish.advocate, "account": contact.account, "created_at": at,
            "text": (_("%(name)s asks: %(text)s") % {"name": contact.full_name, "text": wish.text})[:300],
        },
    )  # fmt: skip
    if wish.owner is not None:
        text = task.text if new else _("Yours now: %(text)s") % {"text": task.text}
        notify(wish.owner, "wish", key=f"{wish.pk}:{wish.owner.pk}", text=text, url=f"/wishes/{wish.public_id}/", at=at)


@transaction.atomic
def hand_on(wish: Wish, *, owner: User, due_on: date, at: datetime) -> None:
    """Another owner, or another day."""
    wish = Wish.objects.select_for_update().select_related("advocate__contact__account").get(pk=wish.pk)
    if wish.status != Wish.Status.OPEN:
        raise Refused(_("This wish has been answered already."))
    today = timezone.localdate(at)
    if due_on != wish.due_on and not today <= due_on <= today + FARTHEST:
        raise Refused(_("Choose a day from today on, within a year."))
    if not owner.is_active:
        raise Refused(_("%(name)s does not sign in any more. Choose somebody else.") % {"name": owner})
    wish.owner, wish.due_on = owner, due_on
    wish.save(update_fields=["owner", "due_on"])
    _give_task(wish, at=at)


@transaction.atomic
def answer(wish: Wish, *, done: bool, outcome: str, at: datetime, by: Any) -> None:
    """What came of it, in words the advocate reads by mail and at home. Helping is a touch."""
    outcome = outcome.strip()
    if not outcome:
        raise Refused(_("Say what came of it; they read your words."))
    wish = Wish.objects.select_for_update().select_related("advocate__contact__account").get(pk=wish.pk)
    if wish.status != Wish.Status.OPEN:
        raise Refused(_("This wish has been answered already."))
    status = Wish.Status.DONE if done else Wish.Status.DECLINED
    wish.move_to(status, outcome=outcome[:2_000], answered_at=at, answered_by=by)
    contact = wish.advocate.contact
    if done:
        spine.record(Deed.HELPED, at=at, source=wish, contact=contact, by=by)
    _close_task(wish, at=at, by=by)
    outbox.owe(
        "wish_answered", to=contact, template="advocates/wish_answered", dedupe_key=f"{wish.pk}:{at.isoformat()}",
        at=at, purpose=Purpose.PROGRAM_MAIL, reply_to=by.email, counts=False,
        params={
            "name": contact.given_name, "wish": wish.text, "outcome": wish.outcome, "by": str(by), "title": by.title,
            "done": done,
        },
    )  # fmt: skip
    if wish.advocate.user is not None:
        text = _("%(name)s has answered your wish: %(text)s") % {"name": by, "text": wish.outcome}
        notify(wish.advocate.user, "wish_answered", key=f"{wish.pk}:{at.isoformat()}", text=text, url="/wish/", at=at)


@transaction.atomic
def reopen(wish: Wish, *, at: datetime) -> None:
    """It was not over after all."""
    if wish.status not in {Wish.Status.DONE, Wish.Status.DECLINED}:
        raise Refused(_("This wish is open already."))
    wish.move_to(Wish.Status.OPEN, outcome="", answered_at=None, answered_by=None)
    _give_task(wish, at=at)


@transaction.atomic
def withdraw(wish: Wish, *, at: datetime, by: Any) -> None:
    """The advocate needs it no more."""
    if wish.status != Wish.Status.OPEN:
        raise Refused(_("This wish has been answered already."))
    wish.move_to(Wish.Status.WITHDRAWN)
    _close_task(wish, at=at, by=by)


def _close_task(wish: Wish, *, at: datetime, by: Any) -> None:
    Task.objects.filter(key=key_of(wish), done_at__isnull=True).update(done_at=at, done_by=by)
    if wish.owner_id:
        settled("wish", key=f"{wish.pk}:{wish.owner_id}", at=at)
