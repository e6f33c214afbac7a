"""Customer facts in the admin: to look up and, where the portal is their home, to change. Ledgers are read only.

Facts that a source brings in (names, values, dates) can be corrected by hand; the correction stays until the source
says something new. Lists do not count their whole table.
"""

from contextlib import suppress
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext

from advocacy.crm import readiness
from advocacy.crm.models import (
    Account,
    Activity,
    ConsentEntry,
    ConsentState,
    Contact,
    Deal,
    ImportRun,
    NotReady,
    Pause,
    Program,
    RecordedBasis,
    Signal,
    StakeholderTeam,
    Subscription,
    Usage,
)
from advocacy.lib.export import Column, Exports
from advocacy.lib.lifecycle import Refused
from advocacy.lib.templatetags.look import tag

COUNTED = 10_000
"""Lists know their length up to here; nobody leafs further, one searches."""
SOURCED = ("source", "external_id", "facts_at")
READINESS = {"ready": "ok", "not_ready": "bad", "paused": "warn"}
OUTCOMES = {"open": "plain", "won": "ok", "lost": "bad"}


class CappedPaginator(Paginator):
    """A paginator that stops counting where leafing ends."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        if not isinstance(rows, QuerySet):
            return len(rows)
        return rows.order_by()[:COUNTED].count()


class Facts(admin.ModelAdmin):
    """A large table: found by searching, paged without counting."""

    show_full_result_count = False
    paginator = CappedPaginator
    list_per_page = 50


class ReadOnly(Facts):
    """What nobody changes by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class FromTheSource(Facts):
    """A record that its source brings in: made and deleted there, corrected here."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), *SOURCED)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


# --- The program ------------------------------------------------------------------------------------------------------
@admin.register(Program)
class ProgramAdmin(admin.ModelAdmin):
    """One row: the list leads straight to it."""

    fieldsets = (
        (None, {"fields": ("name", "company", "tagline", "logo", "accent", "launched_on")}),
        (_l("Mail"), {"fields": ("sender_name", "sender_email", "postal_address", "mail_cap_a_day", "measure_opens")}),
        (
            _l("House rules"),
            {
                "fields": (
                    "accept_applications_at_once", "creator_after", "proven_after", "super_after", "pod_size",
                    "rest_days", "nomination_answer_hours",
                    "invitation_reminder_days", "invitation_valid_days", "desk_time_zone", "currency",
                )
            },
        ),
    )  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The settings above, and any that came later under a heading of their own."""
        listed = {name for _title, options in self.fieldsets for name in options["fields"]}
        more = [field.name for field in Program._meta.fields if field.editable and field.name not in listed | {"id"}]
        return (*self.fieldsets, (_l("More"), {"fields": more})) if more else self.fieldsets

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:crm_program_change", args=[Program.current().pk]))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(StakeholderTeam)
class StakeholderTeamAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "people")
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("name",)}
    autocomplete_fields = ("members",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[StakeholderTeam]:
        return super().get_queryset(request).annotate(people=models.Count("members"))

    @admin.display(description=_l("people"))
    def people(self, team: Any) -> int:
        return team.people


# --- Customers --------------------------------------------------------------------------------------------------------
ACCOUNT_FIELDS = (
    (None, {"fields": ("name", "domain", "parent", "industry", "employees", "annual_value", "currency")}),
    (_l("Where"), {"fields": ("region", "country", "language", "time_zone")}),
    (_l("What they use"), {"fields": ("products", "use_cases", "replaced_competitors", "competes_with")}),
    (_l("Contract"), {"fields": ("contract_start", "contract_months", "renewal_on")}),
    (_l("Who answers for them"), {"fields": ("owner", "csm", "owner_approves")}),
    (_l("Readiness"), {"fields": ("readiness", "readiness_reason")}),
    (_l("Source"), {"fields": SOURCED}),
)


class AccountForm(forms.ModelForm):
    """Readiness is said here, but it is the pauses that pause: ``paused`` is not chosen."""

    class Meta:
        model = Account
        fields = [name for _title, options in ACCOUNT_FIELDS for name in options["fields"] if name not in SOURCED]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "readiness" in self.fields:
            paused = self.instance.readiness == Account.Readiness.PAUSED
            self.fields["readiness"].choices = [  # type: ignore[attr-defined]
                (value, label)
                for value, label in Account.Readiness.choices
                if value != Account.Readiness.PAUSED or paused
            ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("readiness") == Account.Readiness.NOT_READY and not cleaned.get("readiness_reason", "").strip():
            self.add_error("readiness_reason", _("Say why the account is not ready."))
        if self.instance.pk and cleaned.get("parent") and cleaned["parent"].pk == self.instance.pk:
            self.add_error("parent", _("An account cannot be its own parent."))
        for name in ("products", "use_cases", "replaced_competitors", "competes_with"):
            if isinstance(cleaned.get(name), list):  # as an import keeps them: matching compares small letters
                cleaned[name] = sorted({" ".join(word.lower().split()) for word in cleaned[name]} - {""})
        return cleaned


@admin.register(Account)
class AccountAdmin(Exports, FromTheSource):
    export_columns = (
        Column(_l("id"), "external_id"),
        Column(_l("name"), "name"),
        Column(_l("domain"), "domain"),
        Column(_l("industry"), "industry"),
        Column(_l("employees"), "employees"),
        Column(_l("annual value"), "annual_value"),
        Column(_l("currency"), "currency"),
        Column(_l("region"), "region"),
        Column(_l("country"), "country"),
        Column(_l("products"), "products"),
        Column(_l("use cases"), "use_cases"),
        Column(_l("contract start"), "contract_start"),
        Column(_l("renewal"), "renewal_on"),
        Column(_l("readiness"), "get_readiness_display"),
        Column(_l("reason"), "readiness_reason"),
        Column(_l("owner"), "owner.email"),
        Column(_l("success manager"), "csm.email"),
        Column(_l("source"), "source"),
    )
    export_related = ("owner", "csm")
    form = AccountForm
    list_display = ("name", "industry", "region", "country", "state", "owner", "source", "facts_at")
    list_filter = ("readiness", "region", "industry")
    list_select_related = ("owner",)
    search_fields = ("name", "domain", "external_id__startswith")
    search_help_text = _l("Name, domain or id at the source")
    autocomplete_fields = ("parent", "owner", "csm")
    ordering = ("id",)
    fieldsets = ACCOUNT_FIELDS  # type: ignore[assignment]

    @admin.display(description=_l("readiness"), ordering="readiness")
    def state(self, account: Account) -> SafeString:
        return tag(account.get_readiness_display(), READINESS[account.readiness])

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        said, reason = obj.readiness, obj.readiness_reason
        before = Account.objects.get(pk=obj.pk)
        obj.readiness, obj.readiness_reason = before.readiness, before.readiness_reason
        # Only what was changed here: what the sources and the clock have written meanwhile stays.
        if changed := [name for name in form.changed_data if name not in {"readiness", "readiness_reason"}]:
            obj.save(update_fields=changed)
        if said == Account.Readiness.NOT_READY:
            standing = NotReady.objects.filter(account=obj, released_at__isnull=True).first()
            until = standing.until if standing else None
            readiness.set_not_ready(obj, reason=reason, by=request.user, at=timezone.now(), until=until)
        elif said == Account.Readiness.READY and before.readiness == Account.Readiness.NOT_READY:
            with suppress(Refused):  # its day came meanwhile
                readiness.set_ready(obj, by=request.user, at=timezone.now())


class PauseForm(forms.ModelForm):
    class Meta:
        model = Pause
        fields = ("account", "reason", "until")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        try:
            readiness.last_day(cleaned.get("until"), at=timezone.now())
        except Refused as refusal:
            self.add_error("until", str(refusal))
        return cleaned


@admin.register(Pause)
class PauseAdmin(Facts):
    """Paused by hand here; what signals paused is listed with it, and each can be lifted."""

    form = PauseForm
    list_display = ("account", "reason", "cause", "release", "began_at", "until", "by", "released_at", "released_by")
    list_filter = (("released_at", admin.EmptyFieldListFilter), "cause")
    list_select_related = ("account", "by", "released_by")
    search_fields = ("account__name", "reason")
    autocomplete_fields = ("account",)
    ordering = ("-began_at", "-id")
    actions = ("lift",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Pause, form: Any, change: bool) -> None:
        made = readiness.pause(obj.account, reason=obj.reason, by=request.user, at=timezone.now(), until=obj.until)
        obj.pk = made.pk

    @admin.action(description=_l("Lift the chosen pauses"))
    def lift(self, request: HttpRequest, pauses: QuerySet[Pause]) -> None:
        lifted = 0
        for pause in pauses.order_by("account", "pk"):
            try:
                readiness.lift(pause, by=request.user, at=timezone.now())
                lifted += 1
            except Refused as refusal:
                messages.warning(request, f"{pause.account}: {refusal}")
        if lifted:
            said = ngettext("%(count)s pause is lifted.", "%(count)s pauses are lifted.", lifted) % {"count": lifted}
            messages.success(request, said)


class NotReadyForm(PauseForm):
    class Meta:
        model = NotReady
        fields = ("account", "reason", "until")


@admin.register(NotReady)
class NotReadyAdmin(Facts):
    """Said here as on the account's page; each entry stays, with who said it and who took it back."""

    form = NotReadyForm
    list_display = ("account", "reason", "began_at", "until", "by", "released_at", "released_by")
    list_filter = (("released_at", admin.EmptyFieldListFilter),)
    list_select_related = ("account", "by", "released_by")
    search_fields = ("account__name", "reason")
    autocomplete_fields = ("account",)
    ordering = ("-began_at", "-id")
    actions = ("take_back",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: NotReady, form: Any, change: bool) -> None:
        made = readiness.set_not_ready(
            obj.account, reason=obj.reason, by=request.user, at=timezone.now(), until=obj.until
        )
        obj.pk = made.pk

    @admin.action(description=_l("Take the chosen back: ready again, but for pauses"))
    def take_back(self, request: HttpRequest, entries: QuerySet[NotReady]) -> None:
        done = 0
        for entry in entries.select_related("account").order_by("account", "pk"):
            try:
                if entry.released_at is not None:
                    raise Refused(_("This is over already."))
                readiness.set_ready(entry.account, by=request.user, at=timezone.now())
                done += 1
            except Refused as refusal:
                messages.warning(request, f"{entry.account}: {refusal}")
        if done:
            said = ngettext("%(count)s entry is taken back.", "%(count)s entries are taken back.", done)
            messages.success(request, said % {"count": done})


@admin.register(Contact)
class ContactAdmin(Exports, FromTheSource):
    export_columns = (
        Column(_l("id"), "external_id"),
        Column(_l("given name"), "given_name"),
        Column(_l("family name"), "family_name"),
        Column(_l("e-mail"), "email", right="crm.view_contact"),
        Column(_l("title"), "title"),
        Column(_l("persona"), "get_persona_display"),
        Column(_l("account"), "account.external_id"),
        Column(_l("account name"), "account.name"),
        Column(_l("language"), "language"),
        Column(_l("time zone"), "time_zone"),
        Column(_l("left"), "left_on"),
        Column(_l("source"), "source"),
    )
    export_related = ("account",)
    list_display = ("full_name", "email", "title", "account", "persona", "left_on", "source", "facts_at")
    list_filter = ("persona", "language")
    list_select_related = ("account",)
    search_fields = ("family_name__istartswith", "given_name__istartswith", "email__istartswith", "account__name")
    search_help_text = _l("Name, e-mail or account")
    autocomplete_fields = ("account",)
    exclude = ("erased_at",)
    ordering = ("id",)
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        """A whole address goes by its index."""
        if "@" in search_term and " " not in search_term.strip():
            lower = models.functions.Lower("email")
            return queryset.annotate(_address=lower).filter(_address=search_term.strip().lower()), False
        return super().get_search_results(request, queryset, search_term)


@admin.register(Subscription)
class SubscriptionAdmin(FromTheSource):
    list_display = ("account", "product", "started_on", "ended_on", "seats", "annual_value", "currency", "is_trial")
    list_filter = ("is_trial", "product")
    list_select_related = ("account",)
    search_fields = ("account__name", "external_id__startswith")
    autocomplete_fields = ("account",)
    ordering = ("-id",)


@admin.register(Deal)
class DealAdmin(FromTheSource):
    list_display = ("name", "prospect", "state", "stage", "value", "currency", "close_on", "owner", "facts_at")
    list_filter = ("outcome", "kind", "region")
    list_select_related = ("owner",)
    search_fields = ("name", "prospect", "external_id__startswith")
    autocomplete_fields = ("account", "owner")
    ordering = ("-id",)

    @admin.display(description=_l("outcome"), ordering="outcome")
    def state(self, deal: Deal) -> SafeString:
        return tag(deal.get_outcome_display(), OUTCOMES[deal.outcome])


@admin.register(Usage)
class UsageAdmin(ReadOnly):
    list_display = ("account", "feature", "day", "minutes", "source")
    list_select_related = ("account",)
    search_fields = ("account__name", "feature")
    ordering = ("-id",)


@admin.register(Signal)
class SignalAdmin(ReadOnly):
    list_display = (
        "kind", "account", "contact", "value", "occurred_at", "received_at", "source", "occurrence", "untrue_since",
    )  # fmt: skip
    list_filter = ("kind",)
    list_select_related = ("account", "contact")
    search_fields = ("account__name", "external_id__startswith")
    ordering = ("-id",)


# --- Consent ----------------------------------------------------------------------------------------------------------
@admin.register(ConsentEntry)
class ConsentEntryAdmin(ReadOnly):
    """The ledger as evidence: who agreed to which words, when, and how it came to us."""

    list_display = ("contact", "purpose", "given", "at", "recorded_at", "expires_at", "source", "by")
    list_filter = ("purpose", "given", "source")
    list_select_related = ("contact", "by")
    search_fields = ("contact__email__istartswith", "contact__family_name__istartswith")
    ordering = ("-id",)


@admin.register(ConsentState)
class ConsentStateAdmin(ReadOnly):
    list_display = ("contact", "purpose", "given", "scope", "expires_at")
    list_filter = ("purpose", "given")
    list_select_related = ("contact",)
    search_fields = ("contact__email__istartswith", "contact__family_name__istartswith")
    ordering = ("-id",)


@admin.register(RecordedBasis)
class RecordedBasisAdmin(ReadOnly):
    list_display = ("contact", "purpose", "region", "basis", "recorded_at", "ended_at")
    list_filter = ("purpose",)
    list_select_related = ("contact",)
    search_fields = ("contact__email__istartswith", "contact__family_name__istartswith")
    ordering = ("-id",)


@admin.register(Activity)
class ActivityAdmin(ReadOnly):
    list_display = ("deed", "contact", "account", "at", "recorded_at", "source_type", "source_id", "by")
    list_filter = ("deed",)
    list_select_related = ("contact", "account", "by")
    search_fields = ("contact__email__istartswith", "contact__family_name__istartswith", "account__name")
    ordering = ("-id",)


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnly):
    """Imports have a page of their own; here they are found again."""

    list_display = ("kind", "file_name", "status", "dry_run", "created", "updated", "rejected", "started_by", "page")
    list_filter = ("kind", "status")
    list_select_related = ("started_by",)
    search_fields = ("file_name",)
    exclude = ("map", "report", "stored_as", "phase", "attempt")
    ordering = ("-id",)

    @admin.display(description=_l("rows"))
    def page(self, run: ImportRun) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("imports:run", args=[run.pk]), _("Row by row"))
