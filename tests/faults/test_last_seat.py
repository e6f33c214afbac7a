"""Two hundred advocates tap “I’m in” at the same moment, each in a real session, over HTTP (O4)."""

import pytest

from advocacy.users.models import User
from advocates.models import Advocate
from opportunities.models import Claim, OpportunityKind
from tests.factories import make_account, make_advocate, make_opportunity
from tests.faults.plant import Crowd, Portal, signed_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]

PEOPLE = 200


@pytest.mark.parametrize("seats", [1, 10])
def test_as_many_win_as_there_are_seats_and_all_others_are_told(portal: Portal, seats: int) -> None:
    accounts = [make_account(f"Account {number}") for number in range(40)]  # accounts are fought over as well
    for number in range(PEOPLE):
        make_advocate(f"Racer{number}", accounts[number % len(accounts)], consents=())
    kind = OpportunityKind.objects.update_or_create(
        slug="talk",
        defaults={"name": "Talk", "points": 80, "steps": ["claimed", "scheduled", "delivered", "verified"]},
    )[0]
    opportunity = make_opportunity("The last seat", kind=kind, seats=seats)
    url = f"{portal.web(workers=2, threads=16)}/opportunities/{opportunity.public_id}/claim/"
    visitors = [signed_in(user) for user in User.objects.filter(pk__in=Advocate.objects.values("user"))]
    assert len(visitors) == PEOPLE

    answers = Crowd(
        [lambda visitor=visitor: visitor.post(url, allow_redirects=False, timeout=120) for visitor in visitors]
    ).go()

    strange = [answer for answer in answers if getattr(answer, "status_code", 500) not in {302, 409}]
    assert strange == []
    assert sum(answer.status_code == 302 for answer in answers) == seats  # on to the page of their claim
    told = [answer.text for answer in answers if answer.status_code == 409]
    sentence = "The one seat is taken." if seats == 1 else "All 10 seats are taken."
    assert len(told) == PEOPLE - seats
    assert all(sentence in page and "Join the waitlist" in page for page in told)
    claims = Claim.objects.filter(opportunity=opportunity)
    assert claims.count() == claims.values("advocate").distinct().count() == seats
