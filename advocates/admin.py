"""The records of people, for whoever keeps them. What changes more than a row has its page in the portal."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from advocacy.lib.export import Exports
from advocates import budget, files, invitations, kinds, lifecycle
from advocates.actions import lifecycle as rules
from advocates.forms import InvitationTemplateForm
from advocates.models import (
    Advocate,
    Application,
    Ask,
    AskCap,
    AwayPeriod,
    ColleagueNomination,
    Commitment,
    CommitmentLine,
    CreditRule,
    Firing,
    Invitation,
    InvitationTemplate,
    Letter,
    LifecycleRule,
    NominationCredit,
    Pod,
    PointEntry,
    Recognition,
    Task,
    Tier,
    WelcomeNote,
    Wish,
)
from advocates.segments import Segment


class ReadOnly(admin.ModelAdmin):
    """Records that only grow: to be looked at."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AwayInline(admin.TabularInline):
    model = AwayPeriod
    extra = 0


@admin.register(Advocate)
class AdvocateAdmin(admin.ModelAdmin):
    list_display = ("contact", "account", "status", "stage", "pod", "can_be_asked", "page")
    list_filter = ("status", "stage", "pod", "contact__account__region", "type")
    list_select_related = ("contact__account", "pod")
    search_fields = ("contact__given_name", "contact__family_name", "contact__email", "contact__account__name")
    raw_id_fields = ("contact",)
    autocomplete_fields = ("pod",)
    readonly_fields = (
        "public_id", "status", "stage", "stage_since", "joined_at", "left_at", "resting_until", "last_asked_at",
        "asks_in_year", "user", "told", "wizard_done_at", "created_at",
    )  # fmt: skip
    inlines = (AwayInline,)
    list_per_page = 50

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Whose entry it is stays so: history, points and consents are that person's."""
        return (*self.readonly_fields, "contact") if obj is not None else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Advocate, form: Any, change: bool) -> None:
        """Only what was changed here: what the clock has written meanwhile stays."""
        if not change:
            super().save_model(request, obj, form, change)
        elif form.changed_data:
            obj.save(update_fields=form.changed_data)

    show_full_result_count = False

    @admin.display(description=_("account"))
    def account(self, advocate: Advocate) -> str:
        return advocate.contact.account.name

    @admin.display(description=_("can be asked"))
    def can_be_asked(self, advocate: Advocate) -> str:
        known = getattr(self, "_free", {}).get(advocate.pk)
        return known.sentence if known else ""

    @admin.display(description=_("page"))
    def page(self, advocate: Advocate) -> SafeString:
        return format_html('<a href="/advocates/{}/">{}</a>', advocate.public_id, _("timeline"))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        found = super().get_changelist_instance(request)
        # The whole page's availability at once: a fixed number of queries, whatever is shown.
        self._free = budget.availabilities(list(found.result_list), at=timezone.now())
        return found

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Pod)
class PodAdmin(admin.ModelAdmin):
    list_display = ("name", "manager", "region")
    list_filter = ("region",)
    list_select_related = ("manager",)
    search_fields = ("name", "manager__name")


@admin.register(AskCap)
class AskCapAdmin(admin.ModelAdmin):
    list_display = ("scope", "kind", "most", "days")


@admin.register(Ask)
class AskAdmin(ReadOnly):
    list_display = ("advocate", "account", "channel", "kind", "asked_at", "released_at", "override_reason", "by")
    list_filter = ("channel", ("override_reason", admin.EmptyFieldListFilter))
    list_select_related = ("advocate__contact", "account", "by")
    search_fields = ("advocate__contact__family_name", "account__name")
    date_hierarchy = "asked_at"
    show_full_result_count = False


@admin.register(InvitationTemplate)
class InvitationTemplateAdmin(admin.ModelAdmin):
    form = InvitationTemplateForm
    list_display = ("__str__", "subject", "basis")
    list_filter = ("language", "region")


class WelcomeNoteForm(forms.ModelForm):
    """A merge field nobody knows is refused here, not on somebody's first page."""

    class Meta:
        model = WelcomeNote
        fields = ("region", "language", "text")

    def clean_text(self) -> str:
        text = str(self.cleaned_data["text"])
        invitations.check_merge_fields(text)
        return text


@admin.register(WelcomeNote)
class WelcomeNoteAdmin(admin.ModelAdmin):
    form = WelcomeNoteForm
    list_display = ("__str__", "text")


@admin.register(Invitation)
class InvitationAdmin(ReadOnly):
    list_display = (
        "advocate",
        "status",
        "invited_by",
        "created_at",
        "sent_at",
        "clicked_at",
        "answered_at",
        "reminders",
    )
    list_filter = ("status", "created_at")
    list_select_related = ("advocate__contact", "invited_by")
    search_fields = ("advocate__contact__family_name", "advocate__contact__email")
    date_hierarchy = "created_at"
    show_full_result_count = False


class RuleForm(forms.ModelForm):
    """A rule, checked as a whole: facts, comparisons, roles, what the effect needs, and the guard of reviews."""

    effect = forms.ChoiceField(label=_("then"))

    class Meta:
        model = LifecycleRule
        fields = (
            "name", "signal", "conditions", "delay_days", "effect", "effect_params", "whom", "at_most", "cohort",
            "reentry",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["effect"].choices = [(key, effect.label) for key, effect in lifecycle.effects().items()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.errors:
            return data
        data["conditions"] = data.get("conditions") or []
        data["effect_params"] = {} if data.get("effect_params") is None else data["effect_params"]
        wrong = lifecycle.check_rule(
            signal=data["signal"], conditions=data["conditions"], effect=data["effect"],
            effect_params=data["effect_params"], whom=data["whom"],
            among=Segment.read(cohort.definition) if (cohort := data.get("cohort")) else None,
        )  # fmt: skip
        for field, sentences in wrong.items():
            for sentence in sentences:
                self.add_error(field, sentence)
        return data


@admin.register(LifecycleRule)
class LifecycleRuleAdmin(admin.ModelAdmin):
    form = RuleForm
    list_display = ("name", "signal", "effect", "enabled", "enabled_from")
    list_filter = ("enabled", "effect", "signal")
    search_fields = ("name",)

    def save_model(self, request: HttpRequest, obj: LifecycleRule, form: Any, change: bool) -> None:
        if cancelled := rules.save(obj, at=timezone.now()):
            messages.warning(request, lifecycle.dropped(cancelled))

    def has_delete_permission(self, request: HttpRequest, obj: LifecycleRule | None = None) -> bool:
        if obj is not None and obj.firings.exists():
            return False  # its firings are on record
        return super().has_delete_permission(request, obj)


@admin.register(Firing)
class FiringAdmin(ReadOnly):
    list_display = ("rule", "subject", "occurrence", "status", "due_at", "fired_at", "contact")
    list_filter = ("status", "rule")
    list_select_related = ("rule", "contact")
    show_full_result_count = False


@admin.register(Application)
class ApplicationAdmin(ReadOnly):
    list_display = ("name", "company", "email", "status", "filed_at", "decided_by")
    list_filter = ("status",)
    list_select_related = ("decided_by",)
    search_fields = ("family_name", "company", "email")


@admin.register(PointEntry)
class PointEntryAdmin(Exports, ReadOnly):
    list_display = ("advocate", "points", "reason", "at")
    list_select_related = ("advocate__contact",)
    search_fields = ("advocate__contact__family_name", "reason")
    export_columns = files.POINTS
    export_related = ("advocate__contact__account",)
    date_hierarchy = "at"
    show_full_result_count = False


@admin.register(Tier)
class TierAdmin(admin.ModelAdmin):
    list_display = ("name", "from_points", "brings")


@admin.register(Recognition)
class RecognitionAdmin(admin.ModelAdmin):
    list_display = ("title", "advocate", "kind", "created_at", "approved_at", "declined_at")
    list_filter = ("kind",)
    list_select_related = ("advocate__contact",)
    autocomplete_fields = ("advocate",)
    readonly_fields = ("approved_at", "declined_at", "created_at", "by")

    def save_model(self, request: HttpRequest, obj: Recognition, form: Any, change: bool) -> None:
        if not change:
            obj.by = request.user  # type: ignore[assignment]
        elif {"advocate", "title", "text", "kind"} & set(form.changed_data):
            # The yes was to other words, or another person's: these need a yes of their own.
            obj.approved_at = obj.declined_at = None
        super().save_model(request, obj, form, change)


@admin.register(Task)
class TaskAdmin(admin.ModelAdmin):
    list_display = ("text", "kind", "assignee", "due_at", "done_at")
    list_filter = ("kind", ("done_at", admin.EmptyFieldListFilter), "assignee")
    list_select_related = ("assignee",)
    raw_id_fields = ("account",)
    autocomplete_fields = ("advocate", "assignee")
    readonly_fields = ("key", "created_at", "done_at", "done_by")
    search_fields = ("text",)


class CommitmentLineInline(admin.TabularInline):
    model = CommitmentLine
    extra = 0
    min_num = 1
    validate_min = True

    def formfield_for_dbfield(self, db_field: Any, request: Any, **more: Any) -> Any:
        """The kinds of the board, but for reviews: a slug nobody keeps would never be delivered."""
        if db_field.name == "kind":
            reviews = kinds.reviews()
            known = [
                ("", _("any, or the deed beside")),
                *((one, name) for one, name in kinds.choices() if one not in reviews),
            ]
            return forms.ChoiceField(choices=known, required=False, label=db_field.verbose_name)
        return super().formfield_for_dbfield(db_field, request, **more)


@admin.register(Commitment)
class CommitmentAdmin(admin.ModelAdmin):
    """Clauses and what they promise; what is delivered stands on the account's page."""

    list_display = ("account", "reference", "agreed_on", "discount", "currency", "ended_at", "page")
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    list_select_related = ("account",)
    search_fields = ("account__name", "reference")
    autocomplete_fields = ("account",)
    readonly_fields = ("created_at", "by", "ended_at", "ended_reason", "ended_by")
    ordering = ("-agreed_on", "-id")
    inlines = (CommitmentLineInline,)
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A clause is let go of, with the reason, on the account's page; it stays in the history."""
        return False

    def save_model(self, request: HttpRequest, obj: Commitment, form: Any, change: bool) -> None:
        if not change:
            obj.by = request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)

    @admin.display(description=_("page"))
    def page(self, commitment: Commitment) -> SafeString:
        return format_html(
            '<a href="{}#commitments">{}</a>',
            reverse("advocates:customer", args=[commitment.account_id]), commitment.account,
        )  # fmt: skip


# --- Nominations by colleagues, letters, wishes -----------------------------------------------------------------------
@admin.register(CreditRule)
class CreditRuleAdmin(admin.ModelAdmin):
    """What a nomination earns. A rule that has earned something stays; switch it off and add another."""

    list_display = ("name", "deed", "within_days", "amount", "currency", "is_active")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        unused = obj is None or not obj.credits.exists()
        return unused and super().has_delete_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("deed", "within_days", "amount", "currency") if obj is not None and obj.credits.exists() else ()


@admin.register(ColleagueNomination)
class ColleagueNominationAdmin(ReadOnly):
    list_display = ("name", "company", "by", "status", "filed_at", "decided_by")
    list_filter = ("status",)
    list_select_related = ("by", "decided_by")
    search_fields = ("given_name", "family_name", "email", "company")
    date_hierarchy = "filed_at"


@admin.register(NominationCredit)
class NominationCreditAdmin(ReadOnly):
    list_display = ("nomination", "amount", "currency", "status", "due_at", "paid_on")
    list_filter = ("status", "rule")
    list_select_related = ("nomination",)


@admin.register(Letter)
class LetterAdmin(ReadOnly):
    """Who wrote when; the words are on the page of the letter, for those who look after advocates."""

    list_display = ("at", "contact", "from_them", "source", "colleague", "automatic")
    list_filter = ("source", "from_them", "automatic")
    list_select_related = ("contact", "colleague")
    fields = ("contact", "from_them", "source", "colleague", "subject", "at", "received_at", "automatic", "left_out")
    date_hierarchy = "at"


@admin.register(Wish)
class WishAdmin(ReadOnly):
    list_display = ("advocate", "kind", "status", "owner", "due_on", "answered_at")
    list_filter = ("status", "kind")
    list_select_related = ("advocate__contact", "owner")
