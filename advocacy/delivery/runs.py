"""A run of mail that too many readers complain about holds itself, and goes on only when a person has looked.

Mailbox providers count complaints, and stop taking mail from a sender who has more than three in a thousand. So the
run ends before that is the case for the rest of its readers: each mail is asked for once more in the moment it would go
(``gates``), so a pause holds in mid-run, whatever number of senders are at work.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from advocacy.delivery import outbox
from advocacy.delivery.models import Batch, MailEvent, Message
from advocacy.delivery.notifications import notify
from advocacy.lib.lifecycle import Refused
from advocacy.lib.numbers import percent
from advocacy.users.models import Role, User

KIND = "run.held"


@dataclass(frozen=True)
class Held:
    """A run as people know it: what it is called, the page it goes on from, and which roles are told besides leads.

    One that is ``over`` had nothing left to hold back; people are told all the same.
    """

    name: str
    url: str
    roles: tuple[str, ...] = ()
    over: bool = False


Hold = Callable[[str, datetime], Held | None]
PageOf = Callable[[str], str]
_holds: dict[str, tuple[Hold, PageOf]] = {}


def register(prefix: str, hold: Hold, page_of: PageOf) -> None:
    """How runs whose key begins so are held, by the app they are of, and the page they go on from."""
    _holds[prefix] = (hold, page_of)


def page_of(key: str) -> str:
    """The page of its own that a run goes on from; nothing for one that goes on from the outbox."""
    own = _holds.get(key.partition(":")[0])
    return own[1](key) if own else ""


def complaints_of(key: str) -> int:
    """How many of a run's mails were complained about."""
    events = MailEvent.objects.filter(message__batch=key, event=MailEvent.Event.COMPLAINED)
    return events.values("message").distinct().count()


def too_many(key: str) -> tuple[int, int] | None:
    """Complaints and mails sent of a run, when they are too many and nobody has looked into them yet."""
    complaints = complaints_of(key)
    batch = Batch.objects.filter(key=key).first()
    known = batch.complaints_known if batch else 0
    waits = batch is not None and batch.held_for_complaints_at is not None
    if waits or complaints - known < max(settings.MAIL_COMPLAINTS_AT_LEAST, 1):
        return None
    sent = Message.objects.filter(batch=key, status=Message.Status.SENT).count()
    return (complaints, sent) if complaints >= settings.MAIL_COMPLAINT_SHARE * sent else None


def complained(key: str, *, at: datetime) -> bool:
    """A reader complained about a mail of this run: hold the run when that is one too many, and tell people."""
    found = too_many(key) if key else None
    if found is None:
        return False
    hold, _page = _holds.get(key.partition(":")[0], (_hold, page_of))
    with transaction.atomic():
        held = hold(key, at)
        if held is None:
            return False
        if not held.over:
            Batch.objects.filter(key=key).update(held_for_complaints_at=at)
        _tell(key, held, *found, at=at)
    return not held.over


def _hold(key: str, at: datetime) -> Held | None:
    """A run no app holds in a way of its own."""
    Batch.objects.get_or_create(key=key, defaults={"created_at": at})
    batch = Batch.objects.select_for_update().get(key=key)
    over = batch.status == Batch.Status.STOPPED or not anything_left(key)
    if not over and batch.status == Batch.Status.RUNNING:
        batch.move_to(Batch.Status.PAUSED)
    return Held(name_of(key), reverse("delivery:outbox"), over=over)


def anything_left(key: str) -> bool:
    """Whether mail of this run has still to go."""
    return Message.objects.filter(batch=key, status__in=[Message.Status.DUE, Message.Status.LEASED]).exists()


def name_of(key: str) -> str:
    """A run in words: the kind of mail it is of."""
    one = Message.objects.filter(batch=key).order_by("pk").first()
    return one.about if one else key


def _tell(key: str, held: Held, complaints: int, sent: int, *, at: datetime) -> None:
    words = {
        "name": held.name[:120],
        "complaints": complaints,
        "sent": sent,
        "share": percent(complaints / sent if sent else 1, 1),
    }
    if held.over:
        said = _("%(complaints)d of %(sent)d readers complained about “%(name)s” (%(share)s).") % words
        todo = _("It has gone to everybody. Find out why before the next mail goes to as many.")
    else:
        said = _("“%(name)s” is on hold: %(complaints)d of %(sent)d readers complained (%(share)s).") % words
        todo = _("Look at whom it went to and why before it goes on.")
    moment = f"{key}:{'over' if held.over else complaints}"
    for person in _people(held.roles):
        notify(person, KIND, key=moment, text=f"{said} {todo}", url=held.url, at=at)
        outbox.owe(
            "run_held",
            to=person,
            template="delivery/run_held",
            dedupe_key=f"{moment}:{person.pk}",
            at=at,
            params={"said": said, "todo": todo, "url": held.url},
            counts=False,
        )


def _people(roles: Iterable[str]) -> list[User]:
    wanted = {Role.LEAD, *roles}
    return list(User.objects.filter(is_active=True, role_grants__role__in=wanted).distinct().order_by("pk"))


# --- Going on ---------------------------------------------------------------------------------------------------------
def held() -> list[Batch]:
    """Runs that hold themselves and wait for a person."""
    paused = Batch.objects.filter(status=Batch.Status.PAUSED, held_for_complaints_at__isnull=False)
    return list(paused.order_by("-held_for_complaints_at")[:20])


def looked_into(key: str, *, by: User | None, note: str, at: datetime) -> None:
    """A person says what they found; without this a run that holds itself does not go on."""
    if by is None or not note.strip():
        raise Refused(_("Write what you found and what you changed: this run is on hold because readers complained."))
    Batch.objects.filter(key=key).update(
        looked_at=at, looked_by=by, looked_note=note.strip()[:300], complaints_known=complaints_of(key),
        held_for_complaints_at=None,
    )  # fmt: skip


@transaction.atomic
def go_on(key: str, *, by: User, note: str, at: datetime) -> None:
    """Let a run no app holds in a way of its own go on."""
    batch = Batch.objects.select_for_update().filter(key=key).first()
    if batch is None or batch.status != Batch.Status.PAUSED:
        raise Refused(_("This run is not on hold any more."))
    if key.partition(":")[0] in _holds:
        raise Refused(_("This run goes on from its own page."))
    looked_into(key, by=by, note=note, at=at)
    batch.refresh_from_db()
    batch.move_to(Batch.Status.RUNNING)
    outbox.nudge_sender()
