"""What proof and stories share: the facts they are found by, where they may be used, what the database holds.

The customer's yes is data the database checks: nothing becomes published without a recorded approval of exactly that
text, whoever writes to the table, and what was published is not rewritten under the yes it was given.
"""

from typing import Any, ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import words


class Scope(models.TextChoices):
    """Where a proof may be used; what the customer has not said yes to stays shut."""

    SALES = "sales", _("shown to a prospect")
    WEBSITE = "website", _("our website")
    SOCIAL = "social", _("social media")
    PRESS = "press", _("press and media")
    EVENTS = "events", _("events and slides")


def scopes(**more: Any) -> Any:
    return ArrayField(models.CharField(max_length=10, choices=Scope.choices), default=list, blank=True, **more)


class Findable(models.Model):
    """The facts a proof or a story is found by: those of the customer at the time, not as they are today."""

    industry = models.CharField(_("industry"), max_length=100, blank=True, default="")
    employees = models.PositiveIntegerField(_("employees"), null=True, blank=True)
    region = models.CharField(_("region"), max_length=60, blank=True, default="")
    country = models.CharField(_("country"), max_length=2, blank=True, default="")
    language = models.CharField(_("language it is in"), max_length=10, blank=True, default="")
    products = words(verbose_name=_("products"))
    use_cases = words(verbose_name=_("use cases"))
    replaced_competitors = words(verbose_name=_("competitors replaced"))

    FACTS: ClassVar[tuple[str, ...]] = (
        "industry", "employees", "region", "country", "language", "products", "use_cases", "replaced_competitors",
    )  # fmt: skip

    class Meta:
        abstract = True


def _changed(*columns: str) -> Any:
    condition = pgtrigger.Q(**{f"old__{columns[0]}__df": pgtrigger.F(f"new__{columns[0]}")})
    for column in columns[1:]:
        condition |= pgtrigger.Q(**{f"old__{column}__df": pgtrigger.F(f"new__{column}")})
    return condition


def text_triggers(name: str, columns: tuple[str, ...], approval: str) -> list[Any]:
    """What the database holds about a text with a customer's yes: versions, no rewriting, no publishing without it."""
    needs_yes = f"""
        IF NEW.status = 'published' AND (TG_OP = 'INSERT' OR OLD.status <> 'published') AND NOT EXISTS (
            SELECT 1 FROM opportunities_approval a
            WHERE {approval} AND a.said = 'yes' AND a.revoked_at IS NULL
        ) THEN
            RAISE EXCEPTION '{name}: nothing is published without a recorded approval of this text'
                USING ERRCODE = 'check_violation', CONSTRAINT = '{name}_published_has_yes';
        END IF;
        RETURN NEW;
    """  # noqa: S608 - our own words, no values
    counts = f"""
        IF OLD.status = 'published' THEN
            RAISE EXCEPTION '{name}: what was published is not rewritten under the yes it was given'
                USING ERRCODE = 'check_violation', CONSTRAINT = '{name}_published_stands';
        END IF;
        NEW.version = OLD.version + 1;
        RETURN NEW;
    """
    return [
        # By name the first: a text that changes in the same moment has no yes yet.
        pgtrigger.Trigger(
            name=f"{name}_a_counts_versions", when=pgtrigger.Before, operation=pgtrigger.Update, func=counts,
            condition=_changed(*columns),
        ),
        pgtrigger.Trigger(
            name=f"{name}_b_published_needs_yes", when=pgtrigger.Before,
            operation=pgtrigger.Insert | pgtrigger.Update, func=needs_yes,
        ),
    ]  # fmt: skip
