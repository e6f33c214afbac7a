"""What of an edition is for one reader: only opportunities open to them now, in an order of their own (N2).

The same rules as the board's (``opportunities.eligibility``), asked for a hundred readers at once.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

from django.contrib.postgres.fields import ArrayField
from django.db.models import JSONField, Value

from opportunities import incentives
from opportunities.eligibility import Who, meant_for, people, who
from opportunities.models import Claim, Opportunity


def shuffled(
    opportunities: Iterable[Opportunity],
    *,
    reader: int,
    edition: int,
    first: Callable[[Opportunity], bool] = lambda _one: False,
) -> list[Opportunity]:
    """An order that looks drawn by lot and is the same whenever this reader opens this edition.

    Those for which ``first`` holds come first: an incentive that runs out does not wait its turn.
    """

    def lot(opportunity: Opportunity) -> tuple[bool, bytes]:
        drawn = hashlib.blake2b(f"{edition}:{reader}:{opportunity.pk}".encode(), digest_size=8).digest()
        return not first(opportunity), drawn

    return sorted(opportunities, key=lot)


def readers(contacts: Iterable[int], *, at: datetime) -> dict[int, Who]:
    """What eligibility knows of these readers, by contact; one query for all."""
    # The kinds that ``people`` brings along are for the board's filters; a hundred copies of them would be dear here.
    no_kinds = Value([], output_field=ArrayField(JSONField()))
    found = people(at=at).filter(contact__in=list(contacts)).annotate(all_kinds=no_kinds)
    return {advocate.contact_id: who(advocate, at=at) for advocate in found}


def open_among(opportunity_ids: Iterable[int], *, at: datetime) -> list[Opportunity]:
    """Those of an edition's opportunities that are still open at all, with their kind and the seats taken."""
    rows = Opportunity.objects.filter(pk__in=list(opportunity_ids)).open(at=at).listed()
    return list(rows.with_seats_taken(at=at).select_related("kind").defer("search"))


def open_to_each(
    everybody: Sequence[Who], opportunities: Sequence[Opportunity], *, edition: int, most: int, at: datetime
) -> dict[int, list[Opportunity]]:
    """For each advocate (by id), at most ``most`` of these that are open to them now, in their own order."""
    claimed: dict[int, set[int]] = defaultdict(set)
    advocates = [person.advocate.pk for person in everybody]
    for advocate_id, opportunity_id in (
        Claim.objects.filter(advocate__in=advocates, opportunity__in=[one.pk for one in opportunities])
        .exclude(status=Claim.Status.WITHDRAWN)
        .values_list("advocate", "opportunity")
    ):
        claimed[advocate_id].add(opportunity_id)
    return {
        person.advocate.pk: shuffled(
            (one for one in opportunities if is_open_to(person, one, claimed[person.advocate.pk])),
            reader=person.advocate.pk,
            edition=edition,
            first=partial(incentives.runs, at=at, zone=person.zone),
        )[:most]
        for person in everybody
    }


def is_open_to(person: Who, opportunity: Opportunity, claimed: set[int]) -> bool:
    """Whether an open opportunity, read with its seats, is open to this person."""
    kind = opportunity.kind
    return (
        person.is_member
        and not person.has_rest_from(is_review=kind.is_review)
        and opportunity.pk not in claimed
        and kind.slug not in person.advocate.never
        and (not kind.purpose or kind.purpose in person.purposes)
        and (opportunity.seats is None or opportunity.seats > opportunity.seats_taken)  # type: ignore[attr-defined]
        and meant_for(opportunity.audience, person.facts)
    )
