"""What is filled in around beta and advisory groups: the group itself, an application, why somebody goes."""

from typing import Any

from django import forms
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext

from advocacy.users.models import Role, User
from opportunities.models import CustomerGroup, GroupMembership


class GroupForm(forms.ModelForm):
    """A group: what it is, what only its members get, its seats and its term."""

    class Meta:
        model = CustomerGroup
        fields = ("name", "kind", "what", "benefit", "seats", "term_months", "joining", "run_by")
        widgets = {"what": forms.Textarea(attrs={"rows": 4}), "benefit": forms.Textarea(attrs={"rows": 3})}
        labels = {
            "name": _l("Name"), "kind": _l("Kind"), "what": _l("What its members do"),
            "benefit": _l("What only they get"), "seats": _l("Seats"), "term_months": _l("Months of a term"),
            "joining": _l("How one joins"), "run_by": _l("Run by"),
        }  # fmt: skip
        help_texts = {
            "what": _l("How often, how long, what about. They read it before they say yes."),
            "benefit": _l("Such as early access, a say in what comes next, an hour a quarter with the product team."),
            "seats": _l("Whoever is invited keeps a seat until the answer."),
            "term_months": _l("A month before the end they are asked whether they want another term."),
        }  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        run = [Role.MANAGER, Role.LEAD, Role.ADMINISTRATOR]
        colleagues = User.objects.filter(is_active=True, role_grants__role__in=run).distinct()
        self.fields["run_by"].queryset = colleagues.order_by("name")  # type: ignore[attr-defined]
        self.fields["run_by"].empty_label = _("nobody in particular")  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if CustomerGroup.objects.exclude(pk=self.instance.pk).filter(name__iexact=name).exists():
            raise forms.ValidationError(_("There is a group of this name already. Choose another one."))
        return name

    @transaction.atomic
    def clean_seats(self) -> int:
        """Seats that are taken cannot be taken away."""
        seats = int(self.cleaned_data["seats"])
        if self.instance.pk:
            held = GroupMembership.objects.filter(group=self.instance).holding_a_seat().count()
            if seats < held:
                said = ngettext(
                    "%(count)d seat is taken or kept; there cannot be fewer.",
                    "%(count)d seats are taken or kept; there cannot be fewer.",
                    held,
                )
                raise forms.ValidationError(said % {"count": held})
        return seats

    def save(self, commit: bool = True) -> Any:
        if not self.instance.slug:
            self.instance.slug = _free_slug(slugify(self.instance.name)[:50] or "group")
        return super().save(commit)


def _free_slug(wanted: str) -> str:
    taken = set(CustomerGroup.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    return next(one for one in (wanted, *(f"{wanted}-{n}" for n in range(2, len(taken) + 3))) if one not in taken)


class ApplyForm(forms.Form):
    """A member would like to come in."""

    note = forms.CharField(
        label=_l("Why would you like to take part?"), max_length=2000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_l("Two or three sentences are plenty."),
    )  # fmt: skip


class WhyForm(forms.Form):
    """A reason; whose it is, and whether it is needed, says the page."""

    reason = forms.CharField(label=_l("Why?"), max_length=300, required=False)
