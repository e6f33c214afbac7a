"""Facts about customers: accounts, contacts, consents, subscriptions, deals, usage, signals, the activity spine."""

from typing import Any, Self, TypeVar

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.crm.catalogue import SIGNAL_CHOICES, Deed, Purpose


def words(**more: Any) -> ArrayField:
    """A list of short lower-case tags; order carries no meaning."""
    return ArrayField(models.CharField(max_length=100), default=list, blank=True, **more)


@pghistory.track()
class Program(models.Model):
    """The one program of this deployment: its name, look and house rules. One row."""

    name = models.CharField(_("name"), max_length=80, default="Customer Circle")
    company = models.CharField(_("company"), max_length=120, blank=True, default="")
    tagline = models.CharField(_("tagline"), max_length=200, blank=True, default="")
    logo = models.CharField(_("logo (address of a picture)"), max_length=200, blank=True, default="")
    accent = models.CharField(
        _("accent colour"), max_length=7, blank=True, default="", validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$")]
    )
    sender_name = models.CharField(_("sender of mail"), max_length=120, blank=True, default="")
    sender_email = models.EmailField(_("sender's address"), blank=True, default="")
    postal_address = models.CharField(_("postal address, at the foot of mail"), max_length=300, blank=True, default="")
    desk_time_zone = models.CharField(_("time zone of the desk"), max_length=50, default="UTC")
    currency = models.CharField(_("reporting currency"), max_length=3, default="EUR")
    launched_on = models.DateField(_("launched on"), null=True, blank=True)
    accept_applications_at_once = models.BooleanField(_("accept applications at once"), default=False)
    pod_size = models.PositiveSmallIntegerField(_("advocates in a pod"), default=15)
    rest_days = models.PositiveSmallIntegerField(_("days of rest after an ask"), default=30)
    invitation_reminder_days = ArrayField(
        models.PositiveSmallIntegerField(), default=list, blank=True, verbose_name=_("days until invitation reminders")
    )
    invitation_valid_days = models.PositiveSmallIntegerField(_("days an invitation is valid"), default=60)
    mail_cap_a_day = models.PositiveSmallIntegerField(_("program mails a day for each person"), default=2)
    measure_opens = models.BooleanField(
        _("count who opens the newsletter"),
        default=False,
        help_text=_(
            "By a picture nobody sees. Mail programs fetch it unasked, so it says little; nothing is decided by it."
        ),
    )
    nomination_answer_hours = models.PositiveSmallIntegerField(_("hours an advocate has to answer"), default=72)
    creator_after = models.PositiveSmallIntegerField(
        _("completed activities that make a Creator"), default=1, validators=[MinValueValidator(1)]
    )
    proven_after = models.PositiveSmallIntegerField(
        _("completed activities that make a Proven advocate"), default=3, validators=[MinValueValidator(2)]
    )
    super_after = models.PositiveSmallIntegerField(
        _("activities in twelve months that make a super advocate"), default=6, validators=[MinValueValidator(1)]
    )
    promise_days = models.PositiveSmallIntegerField(
        _("working days promised for a request"), null=True, blank=True, default=5
    )

    class Meta:
        verbose_name = _("program settings")
        verbose_name_plural = _("program settings")
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="program_one_row"),
            models.CheckConstraint(
                condition=Q(creator_after__gte=1, proven_after__gt=models.F("creator_after"), super_after__gte=1),
                name="program_stages_in_order",
                violation_error_message=_("A Proven advocate has completed more activities than a Creator."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def current(cls) -> "Program":
        """The one row, made with neutral defaults when nobody has set it yet."""
        return cls.objects.get_or_create(pk=1, defaults={"invitation_reminder_days": [7, 21]})[0]


class StakeholderTeam(models.Model):
    """An internal team the program serves."""

    slug = models.SlugField(unique=True)
    name = models.CharField(_("name"), max_length=80)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="teams")

    class Meta:
        verbose_name = _("stakeholder team")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Sourced(models.Model):
    """A fact brought in from elsewhere: who says so, under which id, and as of when."""

    source = models.CharField(_("source"), max_length=40, default="portal")
    external_id = models.CharField(_("id at the source"), max_length=200)
    facts_at = models.DateTimeField(_("as of"), default=timezone.now)
    fingerprint = models.CharField(max_length=32, blank=True, default="", editable=False)

    class Meta:
        abstract = True


Row = TypeVar("Row", bound=models.Model)


class StandingManager(models.Manager[Row]):
    """Rows that were merged into another are kept for the ledgers that name them, and found by nobody else."""

    def get_queryset(self) -> models.QuerySet[Row]:
        return super().get_queryset().filter(merged_into__isnull=True)


class AccountQuerySet(models.QuerySet["Account"]):
    def visible_to(self, user: Any) -> Self:
        """Staff see every account; an account owner or CSM their own; nobody else any."""
        if user.has_perm("crm.view_account"):
            return self
        return self.filter(Q(owner=user.pk) | Q(csm=user.pk))

    def ready(self) -> Self:
        return self.filter(readiness=Account.Readiness.READY)


@pghistory.track(exclude=["fingerprint", "facts_at", "merged_into"])
class Account(Sourced):
    """A customer company, as the CRM calls it. Money is a year's value in ``currency``."""

    class Readiness(models.TextChoices):
        READY = "ready", _("ready")
        NOT_READY = "not_ready", _("not ready")
        PAUSED = "paused", _("paused")

    name = models.CharField(_("name"), max_length=200)
    domain = models.CharField(_("domain"), max_length=200, blank=True, default="")
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="subsidiaries")
    industry = models.CharField(_("industry"), max_length=100, blank=True, default="")
    employees = models.PositiveIntegerField(_("employees"), null=True, blank=True)
    annual_value = models.DecimalField(_("annual value"), max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    region = models.CharField(_("region"), max_length=60, blank=True, default="")
    country = models.CharField(_("country"), max_length=2, blank=True, default="")
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    time_zone = models.CharField(_("time zone"), max_length=50, blank=True, default="")
    products = words(verbose_name=_("products"))
    use_cases = words(verbose_name=_("use cases"))
    replaced_competitors = words(verbose_name=_("competitors replaced"))
    competes_with = words(verbose_name=_("companies it competes with"))
    contract_start = models.DateField(_("contract start"), null=True, blank=True)
    contract_months = models.PositiveSmallIntegerField(_("contract term in months"), null=True, blank=True)
    renewal_on = models.DateField(_("renewal"), null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="owned_accounts",
        verbose_name=_("account owner"),
    )
    csm = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="cared_accounts",
        verbose_name=_("customer success manager"),
    )
    owner_approves = models.BooleanField(_("its owner approves each ask"), default=False)
    readiness = models.CharField(
        _("readiness"), max_length=10, choices=Readiness.choices, default=Readiness.READY, db_index=False
    )
    readiness_reason = models.CharField(_("why"), max_length=300, blank=True, default="")

    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="merged_rows"
    )

    objects = StandingManager.from_queryset(AccountQuerySet)()
    with_merged = models.Manager()  # noqa: DJ012

    class Meta:
        verbose_name = _("account")
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="account_source_once"),
            models.CheckConstraint(
                condition=Q(readiness__in=["ready", "not_ready", "paused"]), name="account_readiness_known"
            ),
        ]
        indexes = [
            models.Index(Lower("name"), name="account_name"),
            models.Index(Lower("domain"), name="account_domain"),
            models.Index(fields=["industry", "region"], name="account_industry_region"),
            models.Index(fields=["region", "industry"], name="account_region"),
            models.Index(fields=["owner"], name="account_owner"),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Pause(models.Model):
    """Why asks rest at an account. Each has its own release; an account is paused while any is open (P2)."""

    class Cause(models.TextChoices):
        ESCALATION = "escalation", _("open escalation")
        SIGNAL = "signal", _("negative signal")
        BY_HAND = "by_hand", _("paused by a colleague")

    class Release(models.TextChoices):
        CLOSED = "closed", _("when the escalation is closed")
        RECOVERED = "recovered", _("when things have recovered")
        DATE = "date", _("on a date")
        BY_HAND = "by_hand", _("by hand")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="pauses")
    cause = models.CharField(_("cause"), max_length=20, choices=Cause.choices)
    release = models.CharField(_("released"), max_length=20, choices=Release.choices)
    reason = models.CharField(_("reason"), max_length=300)
    key = models.CharField(max_length=200, help_text=_("What it is about, so that the same news pauses once."))
    began_at = models.DateTimeField(_("since"))
    until = models.DateField(_("until"), null=True, blank=True)
    released_at = models.DateTimeField(_("released at"), null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("lifted by"),
    )  # fmt: skip

    class Meta:
        verbose_name = _("pause")
        constraints = [
            models.UniqueConstraint(fields=["account", "cause", "key"], name="pause_once"),
        ]
        indexes = [models.Index(fields=["account"], condition=Q(released_at__isnull=True), name="pause_open")]

    def __str__(self) -> str:
        return f"{self.account}: {self.reason}"


@pghistory.track()
class NotReady(models.Model):
    """A colleague said that an account is not ready: why, from when, until when. It ends on its day or by hand (P2)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="not_ready")
    reason = models.CharField(_("reason"), max_length=300)
    began_at = models.DateTimeField(_("since"))
    until = models.DateField(_("until"), null=True, blank=True, help_text=_("Its last day; empty: until taken back."))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("said by"),
    )  # fmt: skip
    released_at = models.DateTimeField(_("over since"), null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("taken back by"),
    )  # fmt: skip

    class Meta:
        verbose_name = _("account that is not ready")
        verbose_name_plural = _("accounts that are not ready")
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(released_at__isnull=True), name="not_ready_once_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["account", "-began_at"], name="not_ready_account")]

    def __str__(self) -> str:
        return f"{self.account}: {self.reason}"


class ContactQuerySet(models.QuerySet["Contact"]):
    def visible_to(self, user: Any) -> Self:
        if user.has_perm("crm.view_contact"):
            return self
        return self.filter(Q(account__owner=user.pk) | Q(account__csm=user.pk))

    def consenting(self, purpose: str, *, at: Any = None) -> Self:
        """Contacts whose consent for this purpose stands now: the hard gate (P6)."""
        at = at or timezone.now()
        return self.filter(
            models.Exists(ConsentState.objects.filter(contact=models.OuterRef("pk"), purpose=purpose).in_force(at=at))
        )


@pghistory.track(exclude=["fingerprint", "facts_at", "merged_into"])
class Contact(Sourced):
    """A person at an account: the permanent person. Advocate and user point here; a job change repoints the account."""

    class Persona(models.TextChoices):
        DECIDER = "decider", _("decides")
        CHAMPION = "champion", _("champions")
        ADMIN = "admin", _("administers")
        USER = "user", _("uses")
        OTHER = "other", _("other")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="contacts")
    given_name = models.CharField(_("given name"), max_length=100, blank=True, default="")
    family_name = models.CharField(_("family name"), max_length=100, blank=True, default="")
    email = models.EmailField(_("e-mail"), blank=True, default="")
    title = models.CharField(_("title"), max_length=150, blank=True, default="")
    persona = models.CharField(_("role at the account"), max_length=20, choices=Persona.choices, default=Persona.OTHER)
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    country = models.CharField(_("country"), max_length=2, blank=True, default="")
    time_zone = models.CharField(_("time zone"), max_length=50, blank=True, default="")
    linkedin = models.URLField(_("LinkedIn"), blank=True, default="")
    left_on = models.DateField(_("left the account on"), null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="merged_rows"
    )

    objects = StandingManager.from_queryset(ContactQuerySet)()
    with_merged = models.Manager()  # noqa: DJ012

    class Meta:
        verbose_name = _("contact")
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="contact_source_once"),
            models.CheckConstraint(
                condition=Q(persona__in=["decider", "champion", "admin", "user", "other"]), name="contact_persona_known"
            ),
        ]
        indexes = [
            models.Index(Lower("email"), name="contact_email"),
            models.Index(Lower("family_name"), Lower("given_name"), name="contact_name"),
        ]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip() or self.email or str(_("Somebody"))


# --- Duplicates (P28) -------------------------------------------------------------------------------------------------
class Twins(models.TextChoices):
    """What can be there twice."""

    ACCOUNT = "account", _("accounts")
    CONTACT = "contact", _("contacts")


class Likeness(models.Model):
    """Two rows that look like one, the older first; what somebody has said about them is remembered."""

    class Why(models.TextChoices):
        DOMAIN = "domain", _("the same domain")
        NAME = "name", _("the same name but for spelling and legal form")
        EMAIL = "email", _("the same e-mail address")
        PERSON = "person", _("the same name, and the same e-mail address before the @")
        COLLEAGUE = "colleague", _("the same name at the same account, or at accounts that look like one")

    class Settled(models.TextChoices):
        DIFFERENT = "different", _("not the same")
        MERGED = "merged", _("merged")

    kind = models.CharField(max_length=10, choices=Twins.choices)
    first = models.BigIntegerField()
    second = models.BigIntegerField()
    why = models.CharField(_("why"), max_length=10, choices=Why.choices)
    found_at = models.DateTimeField(_("found"))
    settled = models.CharField(_("what became of it"), max_length=10, choices=Settled.choices, blank=True, default="")
    settled_at = models.DateTimeField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        verbose_name = _("likeness")
        constraints = [
            models.UniqueConstraint(fields=["kind", "first", "second"], name="likeness_once"),
            models.CheckConstraint(condition=Q(first__lt=models.F("second")), name="likeness_in_order"),
            models.CheckConstraint(condition=Q(kind__in=Twins.values), name="likeness_kind_known"),
        ]
        indexes = [models.Index(fields=["kind", "id"], condition=Q(settled=""), name="likeness_open")]

    def __str__(self) -> str:
        return f"{self.kind} {self.first} = {self.second}"


class Merge(models.Model):
    """One row merged into another: what moved and which values changed, so that it can be put back."""

    kind = models.CharField(max_length=10, choices=Twins.choices)
    stays = models.BigIntegerField()
    gone = models.BigIntegerField()
    record = models.JSONField(
        default=dict,
        encoder=DjangoJSONEncoder,
        help_text=_("What moved, by table, and the values before; emptied when it cannot be undone."),
    )
    at = models.DateTimeField(_("merged"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    undone_at = models.DateTimeField(_("put back"), null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("merge")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "gone"], condition=Q(undone_at__isnull=True), name="merged_once_at_a_time"
            ),
            models.CheckConstraint(condition=Q(kind__in=Twins.values), name="merge_kind_known"),
        ]
        indexes = [models.Index(fields=["-at"], name="merge_at")]

    def __str__(self) -> str:
        return f"{self.kind} {self.gone} → {self.stays}"


class Subscription(Sourced):
    """What an account has bought, for how long. ``annual_value`` is a year's money."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="subscriptions")
    product = models.CharField(_("product"), max_length=100, blank=True, default="")
    started_on = models.DateField(_("start"))
    ended_on = models.DateField(_("end"), null=True, blank=True)
    seats = models.PositiveIntegerField(_("seats"), null=True, blank=True)
    annual_value = models.DecimalField(_("annual value"), max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    is_trial = models.BooleanField(_("trial"), default=False)

    class Meta:
        verbose_name = _("subscription")
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="subscription_source_once")]
        indexes = [models.Index(fields=["account", "started_on"], name="subscription_account")]

    def __str__(self) -> str:
        return f"{self.product} {self.started_on}"


class DealQuerySet(models.QuerySet["Deal"]):
    def open(self) -> Self:
        return self.filter(outcome=Deal.Outcome.OPEN)

    def won(self) -> Self:
        return self.filter(outcome=Deal.Outcome.WON)

    def visible_to(self, user: Any) -> Self:
        """Whoever may file requests searches all deals: colleagues help each other's."""
        if user.has_perm("opportunities.file_request") or user.has_perm("crm.view_deal"):
            return self
        return self.none()


@pghistory.track(exclude=["fingerprint", "facts_at"])
class Deal(Sourced):
    """A sale in progress, as in the CRM."""

    class Outcome(models.TextChoices):
        OPEN = "open", _("open")
        WON = "won", _("won")
        LOST = "lost", _("lost")

    name = models.CharField(_("name"), max_length=200)
    account = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, blank=True, related_name="deals")
    prospect = models.CharField(_("prospect"), max_length=200, blank=True, default="")
    industry = models.CharField(_("industry"), max_length=100, blank=True, default="")
    employees = models.PositiveIntegerField(_("employees"), null=True, blank=True)
    region = models.CharField(_("region"), max_length=60, blank=True, default="")
    country = models.CharField(_("country"), max_length=2, blank=True, default="")
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    product = models.CharField(_("product"), max_length=100, blank=True, default="")
    competitor = models.CharField(_("competitor"), max_length=100, blank=True, default="")
    kind = models.CharField(
        _("kind"),
        max_length=20,
        default="new",
        choices=[("new", _("new")), ("expansion", _("expansion")), ("renewal", _("renewal"))],
    )
    stage = models.CharField(_("stage"), max_length=60, blank=True, default="")
    outcome = models.CharField(_("outcome"), max_length=5, choices=Outcome.choices, default=Outcome.OPEN)
    value = models.DecimalField(
        _("value"), max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    opened_on = models.DateField(_("opened"), null=True, blank=True)
    close_on = models.DateField(_("closes"), null=True, blank=True)
    closed_on = models.DateField(_("closed"), null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="deals",
        verbose_name=_("seller"),
    )

    objects = DealQuerySet.as_manager()

    class Meta:
        verbose_name = _("deal")
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="deal_source_once"),
            models.CheckConstraint(condition=Q(outcome__in=["open", "won", "lost"]), name="deal_outcome_known"),
            models.CheckConstraint(
                condition=Q(outcome="open", closed_on__isnull=True)
                | Q(outcome__in=["won", "lost"], closed_on__isnull=False),
                name="deal_closed_has_date",
            ),
        ]
        indexes = [
            models.Index(fields=["outcome", "closed_on"], name="deal_outcome"),
            models.Index(Lower("name"), name="deal_name"),
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="deal_name_trgm"),
            GinIndex(OpClass(Upper("prospect"), name="gin_trgm_ops"), name="deal_prospect_trgm"),
        ]

    def __str__(self) -> str:
        return self.name


class Usage(Sourced):
    """Minutes somebody at an account used a feature on a day; a month is a sum."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="usage")
    feature = models.CharField(_("feature"), max_length=100)
    day = models.DateField(_("day"))
    minutes = models.DecimalField(_("minutes"), max_digits=12, decimal_places=2)

    class Meta:
        verbose_name = _("usage")
        verbose_name_plural = _("usage")
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="usage_source_once"),
            models.CheckConstraint(condition=Q(minutes__gte=0), name="usage_minutes_positive"),
        ]
        indexes = [models.Index(fields=["account", "day"], include=["minutes"], name="usage_account_day")]

    def __str__(self) -> str:
        return f"{self.feature} {self.day}: {self.minutes}"


class Signal(Sourced):
    """Something that happened in a customer's life. ``occurrence`` names which one: rules fire once for each."""

    kind = models.CharField(_("signal"), max_length=30, choices=SIGNAL_CHOICES)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="signals")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, null=True, blank=True, related_name="signals")
    value = models.DecimalField(_("value"), max_digits=8, decimal_places=2, null=True, blank=True)
    occurrence = models.CharField(_("occurrence"), max_length=200)
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    untrue_since = models.DateTimeField(
        _("no longer so since"), null=True, blank=True,
        help_text=_("Later data say otherwise; it stays on record because something was done on its strength."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("signal")
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="signal_source_once"),
            models.CheckConstraint(
                condition=Q(kind__in=[slug for slug, _name in SIGNAL_CHOICES]), name="signal_kind_known"
            ),
        ]
        indexes = [
            models.Index(fields=["kind", "occurred_at"], name="signal_kind_at"),
            models.Index(fields=["account", "-occurred_at"], name="signal_account"),
            models.Index(fields=["contact", "-occurred_at"], condition=Q(contact__isnull=False), name="signal_contact"),
            models.Index(fields=["received_at"], name="signal_received"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.account}"


class ConsentEntry(models.Model):
    """One entry of the consent ledger; never changed, never deleted (a trigger says no)."""

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="consent_entries")
    purpose = models.CharField(_("purpose"), max_length=30, choices=Purpose.choices)
    given = models.BooleanField(_("given"))
    scope = models.CharField(_("scope"), max_length=200, blank=True, default="")
    wording = models.TextField(_("wording shown"))
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    at = models.DateTimeField(_("at"))
    recorded_at = models.DateTimeField(auto_now_add=True)
    source = models.CharField(_("how it came"), max_length=40)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        verbose_name = _("consent entry")
        verbose_name_plural = _("consent ledger")
        triggers = [
            pgtrigger.Protect(name="consent_entry_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]
        constraints = [models.CheckConstraint(condition=Q(purpose__in=Purpose.values), name="consent_purpose_known")]
        indexes = [models.Index(fields=["contact", "purpose", "-at"], name="consent_contact")]

    def __str__(self) -> str:
        return f"{self.contact}: {self.get_purpose_display()} {'yes' if self.given else 'no'}"


class ConsentStateQuerySet(models.QuerySet["ConsentState"]):
    def in_force(self, *, at: Any) -> Self:
        return self.filter(given=True).filter(Q(expires_at__isnull=True) | Q(expires_at__gt=at))


class ConsentState(models.Model):
    """The projection of the ledger that gates read; written only under lock, with its entry (``crm.consent``)."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="consents")
    purpose = models.CharField(_("purpose"), max_length=30, choices=Purpose.choices)
    given = models.BooleanField(_("given"))
    scope = models.CharField(_("scope"), max_length=200, blank=True, default="")
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    entry = models.ForeignKey(ConsentEntry, on_delete=models.PROTECT)

    objects = ConsentStateQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")
        constraints = [
            models.UniqueConstraint(
                fields=["contact", "purpose"], name="consent_state_once", include=["given", "expires_at"]
            )
        ]
        indexes = [
            models.Index(
                fields=["purpose", "contact"],
                condition=Q(given=True),
                include=["expires_at"],
                name="consent_purpose_given",
            )
        ]

    def __str__(self) -> str:
        return f"{self.contact}: {self.get_purpose_display()}"


class RecordedBasis(models.Model):
    """Why somebody who could not consent yet may be written to, for one purpose only."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="bases")
    purpose = models.CharField(_("purpose"), max_length=40)
    region = models.CharField(_("region"), max_length=60, blank=True, default="")
    basis = models.CharField(_("basis"), max_length=300)
    recorded_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(_("opted out"), null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        verbose_name = _("recorded basis")
        verbose_name_plural = _("recorded bases")
        constraints = [models.UniqueConstraint(fields=["contact", "purpose"], name="basis_once")]

    def __str__(self) -> str:
        return f"{self.contact}: {self.basis}"


class Activity(models.Model):
    """One deed on the spine: append-only, no personal text. Timelines, stages, budgets and measures read it.

    Two points of time: ``at`` when it happened, ``recorded_at`` when we learned of it. ``quantity`` is a
    small number the deed carries (minutes given, a grade); its meaning belongs to the deed.
    """

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, null=True, blank=True, related_name="activities")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, blank=True, related_name="activities")
    deed = models.CharField(_("deed"), max_length=30, choices=Deed.choices)
    at = models.DateTimeField(_("at"))
    recorded_at = models.DateTimeField(default=timezone.now)
    source_type = models.CharField(max_length=40)
    source_id = models.CharField(max_length=60)
    quantity = models.IntegerField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("what people did")
        triggers = [pgtrigger.Protect(name="activity_never_deleted", operation=pgtrigger.Delete)]
        constraints = [
            models.UniqueConstraint(fields=["source_type", "source_id", "deed"], name="activity_once"),
            models.CheckConstraint(condition=Q(deed__in=Deed.values), name="activity_deed_known"),
        ]
        indexes = [
            models.Index(fields=["contact", "-at"], name="activity_contact"),
            models.Index(fields=["account", "-at"], name="activity_account"),
            models.Index(fields=["deed", "at"], include=["contact"], name="activity_deed_at"),
        ]

    def __str__(self) -> str:
        return f"{self.contact} {self.get_deed_display()}"


@pghistory.track()
class SavedMap(models.Model):
    """What the columns of a file mean, kept under a name for the next file that has the same ones."""

    kind = models.CharField(_("kind"), max_length=20)
    name = models.CharField(_("name"), max_length=80)
    map = models.JSONField(_("map"), default=dict)
    header = models.JSONField(_("columns of the file"), default=list)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(_("kept"), default=timezone.now)

    class Meta:
        verbose_name = _("saved map")
        ordering = ["kind", "name"]
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="saved_map_once")]

    def __str__(self) -> str:
        return self.name


class ImportRun(models.Model):
    """One load of a file: counts, progress, refused rows to mend. Progress is written on a second connection."""

    class Status(models.TextChoices):
        UPLOADED = "uploaded", _("waiting for you")
        QUEUED = "queued", _("waiting to start")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    kind = models.CharField(_("kind"), max_length=20)
    file_name = models.CharField(_("file"), max_length=255)
    stored_as = models.CharField(max_length=255, blank=True, default="")
    map = models.JSONField(_("map"), default=dict, blank=True)
    dry_run = models.BooleanField(_("dry run"), default=False)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.UPLOADED)
    phase = models.CharField(max_length=10, blank=True, default="")
    attempt = models.PositiveSmallIntegerField(default=0, help_text=_("How often it was begun; only the last counts."))
    rows = models.PositiveIntegerField(default=0)
    rows_read = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    report = models.JSONField(default=dict, blank=True)
    error = models.CharField(max_length=500, blank=True, default="")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["uploaded", "queued", "running", "done", "failed", "cancelled"]),
                name="import_status_known",
            )
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(status__in=["queued", "running"]), name="import_under_way"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.file_name}"


class ImportRow(models.Model):
    """What became of one line of a file, where it is worth saying: created, changed or refused with a reason."""

    # Rows are written by the hundred thousand with their run, in one transaction: nothing is left to look up for each.
    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="results", db_constraint=False)
    line = models.PositiveIntegerField(_("line"))
    external_id = models.CharField(_("id"), max_length=200, blank=True, default="")
    result = models.CharField(
        max_length=10,
        choices=[
            ("created", _("created")),
            ("updated", _("changed")),
            ("rejected", _("refused")),
            ("warning", _("warning")),
        ],
    )
    reason = models.CharField(max_length=500, blank=True, default="")
    raw = models.JSONField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["run", "result", "line"], name="import_row_result")]

    def __str__(self) -> str:
        return f"{self.line}: {self.result}"
