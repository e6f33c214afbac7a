"""Becoming a member: by invitation, or by an application that was accepted (P7, P8)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils.translation import gettext as _

from advocacy.crm import consent, spine
from advocacy.crm.catalogue import Deed, Purpose
from advocacy.crm.models import Account, Contact
from advocacy.delivery import outbox
from advocacy.delivery.models import Message
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, RoleGrant, User
from advocates import invitations, pods, stages
from advocates.models import Advocate, Application, Invitation

TOLD_AS = {"type": "take_part", "thanks": "thanked"}
"""Under which question of the form an advocate's own word is remembered."""


@dataclass(frozen=True)
class Details:
    """What somebody says when they join. ``consents`` holds, for each purpose ticked, the very words shown."""

    given_name: str
    family_name: str
    title: str = ""
    linkedin: str = ""
    type: str = ""
    thanks: str = ""
    language: str = ""
    time_zone: str = ""
    password: str = ""
    consents: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Joined:
    """Who joined, and whether their sign-in is new: only then may the link that brought them sign them in."""

    advocate: Advocate
    user: User
    is_new_user: bool


@transaction.atomic
def accept_invitation(invitation: Invitation, details: Details, *, at: datetime) -> Joined:
    """Their yes. The signed link was mailed to their address, so the address is theirs."""
    advocate = Advocate.objects.select_related("contact").get(pk=invitation.advocate_id)
    Account.objects.select_for_update().get(pk=advocate.contact.account_id)
    invitation.refresh_from_db()
    if invitation.expires_at <= at and invitation.status != Invitation.Status.ACCEPTED:
        raise Refused(_("This invitation is too old. Ask for a new one, or apply on the page “Join”."))
    if not invitation.may_move_to(Invitation.Status.ACCEPTED):
        raise Refused(_("This invitation has been answered already. If that was you, sign in."))
    advocate.refresh_from_db()
    contact = Contact.objects.select_related("account").get(pk=advocate.contact_id)
    if advocate.status == Advocate.Status.MEMBER:
        raise Refused(_("You are a member already. Sign in with %(email)s.") % {"email": contact.email})
    if contact.left_on is not None and contact.left_on <= at.date():
        raise Refused(
            _("As far as we know you have left %(account)s. Apply on the page “Join” with the address you have now.")
            % {"account": contact.account.name}
        )
    if not _was_mailed_to(invitation, contact.email):
        raise Refused(_("This invitation went to an address we no longer have for you. Ask for a new one."))
    joined = _join(
        advocate, details, at=at, source="invitation", agreed_at=at, pod_of=invitation.invited_by, invitation=invitation
    )
    invitation.move_to(Invitation.Status.ACCEPTED, answered_at=at)
    return joined


def _was_mailed_to(invitation: Invitation, email: str) -> bool:
    """Whether every mail with this invitation's link went to this address: the link proves no other one."""
    mails = Message.objects.filter(kind="invitation", params__invitation=str(invitation.public_id))
    unsent = [Message.Status.CANCELLED, Message.Status.SUPPRESSED]
    return all(
        to.lower() == email.lower() for to in mails.exclude(status__in=unsent).values_list("to_email", flat=True)
    )


def _join(
    advocate: Advocate,
    details: Details,
    *,
    at: datetime,
    source: str,
    agreed_at: datetime,
    pod_of: Any = None,
    invitation: Invitation | None = None,
) -> Joined:
    """Make a member of an advocate whose account is locked and whose address is proven.

    ``agreed_at``: when they said yes to the consents; what they took back after that stays taken back.
    """
    advocate = (
        Advocate.objects.select_for_update(of=("self",)).select_related("contact__account", "pod").get(pk=advocate.pk)
    )
    contact = advocate.contact
    told = {}
    for name in ("given_name", "family_name", "title", "linkedin", "language", "time_zone"):
        if said := getattr(details, name):
            setattr(contact, name, said)
            told[name] = at.isoformat()
    contact.save(update_fields=["given_name", "family_name", "title", "linkedin", "language", "time_zone"])
    user, is_new = _user_for(advocate, details)
    advocate.user = user
    advocate.type = details.type or advocate.type
    advocate.thanks = details.thanks or advocate.thanks
    if advocate.pod is None:
        advocate.pod = pods.choose(contact.account, prefer_manager=pod_of)
    for name in ("type", "thanks"):
        if getattr(details, name):
            told[TOLD_AS[name]] = at.isoformat()
    advocate.told = {**advocate.told, **told}
    advocate.save(update_fields=["user", "type", "thanks", "pod", "told"])
    advocate.move_to(Advocate.Status.MEMBER, joined_at=advocate.joined_at or at, left_at=None)
    for purpose, wording in details.consents.items():
        if purpose in Purpose.values:
            consent.grant(contact, purpose, wording=wording, at=agreed_at, source=source, by=user)
    for other in advocate.invitations.filter(status__in=invitations.OPEN):
        if other != invitation:
            other.move_to(Invitation.Status.STOPPED)  # whoever is in gets no reminder to come
    spine.record(Deed.JOINED, at=at, source=advocate, contact=contact, by=user)
    stages.refresh([contact.pk], at=at)
    outbox.owe(
        "welcome",
        to=contact,
        template="advocates/welcome",
        dedupe_key=f"{advocate.pk}:{at.date()}",
        at=at,
        counts=False,
        params={"has_password": user.has_usable_password()},
    )
    advocate.refresh_from_db()
    return Joined(advocate, user, is_new)


def _user_for(advocate: Advocate, details: Details) -> tuple[User, bool]:
    contact = advocate.contact
    email = contact.email.lower()
    owner = EmailAddress.objects.filter(email__iexact=email, verified=True).select_related("user").first()
    user = advocate.user or User.objects.filter(email__iexact=email).first() or (owner.user if owner else None)
    is_new = user is None
    if user is None:
        user = User.objects.create_user(
            email, details.password or None, name=contact.full_name, title=contact.title,
            language=contact.language or "en", time_zone=contact.time_zone or contact.account.time_zone or "UTC",
        )  # fmt: skip
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    elif Advocate.objects.filter(user=user).exclude(pk=advocate.pk).exists():
        raise Refused(_("This address belongs to a member already. Sign in with it."))
    RoleGrant.objects.get_or_create(user=user, role=Role.ADVOCATE)
    user.__dict__.pop("_role_set", None)
    return user, is_new


# --- Applications -----------------------------------------------------------------------------------------------------
@transaction.atomic
def apply(details: Details, *, email: str, company: str, region: str, why: str, at: datetime) -> Application:
    """Keep an application and ask its address to confirm. What happens next is the same whoever the address is."""
    words = {
        "company": company, "region": region, "why": why, "filed_at": at,
        "given_name": details.given_name, "family_name": details.family_name, "title": details.title,
        "language": details.language or "en", "time_zone": details.time_zone, "type": details.type,
        "thanks": details.thanks, "consents": dict(details.consents),
    }  # fmt: skip
    waiting = Application.objects.filter(email=email.lower(), status=Application.Status.FILED)
    # The link already mailed leads to what was written last: it is read before it is confirmed.
    known = waiting.select_for_update().order_by("-filed_at").first()
    if known is not None:
        Application.objects.filter(pk=known.pk).update(**words)
        application = Application.objects.get(pk=known.pk)
    else:
        application = Application.objects.create(email=email.lower(), **words)
    member = Advocate.objects.filter(status=Advocate.Status.MEMBER, contact__email__iexact=email).exists()
    outbox.owe(
        "application",
        to=email.lower(),
        template="advocates/application_member" if member else "advocates/application_confirm",
        # At most one such mail a day to one address: nobody's mailbox is filled through our form.
        dedupe_key=f"{email.lower()}:{at.date()}",
        at=at,
        counts=False,
        params={"application": str(application.public_id), "name": details.given_name},
    )
    return application


@transaction.atomic
def confirm_application(
    application: Application, *, at: datetime, at_once: bool, agreed: Collection[str] = ()
) -> Joined | None:
    """The address is proven, and so is who agreed: of the consents ticked only those ``agreed`` to here stand.

    Accepted at once where the setting says so and the company is known; else it waits for a person.
    """
    application = Application.objects.select_for_update().get(pk=application.pk)
    if application.status == Application.Status.FILED:
        consents = {purpose: words for purpose, words in application.consents.items() if purpose in agreed}
        application.move_to(Application.Status.CONFIRMED, confirmed_at=at, consents=consents)
    elif application.status != Application.Status.CONFIRMED:
        return None
    contact = matching_contact(application.email)
    if contact is not None:
        advocate = _advocate_of(contact, at=at)
        if advocate.may_move_to(Advocate.Status.APPLIED) and not at_once:
            advocate.move_to(Advocate.Status.APPLIED)
        application.advocate = advocate
        application.save(update_fields=["advocate"])
    if not at_once or (contact is not None and contact.left_on is not None):
        return None
    account = contact.account if contact else account_by_domain(application.email)
    if account is None:
        return None
    return accept_application(application, account=account, at=at, by=None)


@transaction.atomic
def accept_application(application: Application, *, account: Account, at: datetime, by: Any) -> Joined:
    """Make a member of whoever applied, at this account."""
    Account.objects.select_for_update().get(pk=account.pk)
    application = Application.objects.select_for_update().get(pk=application.pk)
    if application.status != Application.Status.CONFIRMED:
        raise Refused(_("Only an application whose address is confirmed can be accepted."))
    contact = matching_contact(application.email, account=account) or Contact.objects.create(
        account=account, source="portal", external_id=f"application:{application.public_id}", email=application.email,
        given_name=application.given_name, family_name=application.family_name, title=application.title,
        language=application.language, time_zone=application.time_zone, facts_at=at,
    )  # fmt: skip
    advocate = _advocate_of(contact, at=at)
    if advocate.status == Advocate.Status.MEMBER:
        raise Refused(_("%(name)s is a member already.") % {"name": contact.full_name})
    if advocate.status in {Advocate.Status.LEFT, Advocate.Status.ALUMNUS}:
        advocate.move_to(Advocate.Status.INVITED)
    details = Details(
        given_name=application.given_name, family_name=application.family_name, title=application.title,
        type=application.type, thanks=application.thanks, language=application.language,
        time_zone=application.time_zone, consents=application.consents,
    )  # fmt: skip
    agreed_at = application.confirmed_at or application.filed_at
    joined = _join(advocate, details, at=at, source="join page", agreed_at=agreed_at, pod_of=by)
    if application.why and not joined.advocate.valuable:
        Advocate.objects.filter(pk=joined.advocate.pk).update(valuable=application.why)
    application.move_to(
        Application.Status.ACCEPTED, decided_at=at, decided_by=by if getattr(by, "pk", None) else None,
        advocate=joined.advocate,
    )  # fmt: skip
    return joined


@transaction.atomic
def decline_application(application: Application, *, reason: str, at: datetime, by: Any) -> None:
    """Say no, kindly and with a reason: they are told by mail."""
    reason = reason.strip()
    if not reason:
        raise Refused(_("Give a reason; it goes to the person who applied."))
    if application.status != Application.Status.CONFIRMED:
        raise Refused(_("Only an application that waits to be read can be declined."))
    application.move_to(Application.Status.DECLINED, decided_at=at, decided_by=by, reason=reason[:300])
    if application.advocate and application.advocate.status == Advocate.Status.APPLIED:
        application.advocate.move_to(Advocate.Status.DECLINED)
    outbox.owe(
        "application_declined",
        to=application.email,
        template="advocates/application_declined",
        dedupe_key=str(application.public_id),
        at=at,
        counts=False,
        params={"reason": reason, "name": application.given_name},
        reply_to=getattr(by, "email", ""),
    )


def matching_contact(email: str, account: Account | None = None) -> Contact | None:
    """The contact this address belongs to, whoever is still at their account first; None when nobody has it."""
    found = Contact.objects.filter(email__iexact=email, erased_at__isnull=True).select_related("account")
    if account is not None:
        found = found.filter(account=account)
    return min(found, key=lambda contact: (contact.left_on is not None, contact.pk), default=None)


def account_by_domain(email: str) -> Account | None:
    """The one account whose web domain is the address's; None when it is nobody's or of several."""
    domain = email.rpartition("@")[2].lower()
    found = list(Account.objects.filter(domain__iexact=domain)[:2]) if domain else []
    return found[0] if len(found) == 1 else None


def _advocate_of(contact: Contact, *, at: datetime) -> Advocate:
    return Advocate.objects.get_or_create(contact=contact, defaults={"created_at": at})[0]
