"""Two managers nominate, a rule, a survey, a group and an urgent push ask, a campaign goes out, and two advocates claim
the last seat: all at the same moment, by pages, the admin, the API and the clock (O4, P20).

No cap is broken, no seat oversold, one clear winner; whoever came too late is told so in a sentence.
"""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from time import sleep
from typing import Any

import pytest
from django.db import connections
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.api.models import ApiToken
from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Program
from advocacy.delivery.models import Message
from advocacy.users.models import Role, User
from advocates import budget
from advocates.actions import lifecycle
from advocates.models import Advocate, Ask, AskCap, Channel, Firing, LifecycleRule
from opportunities.actions import campaigns, desk, surveys
from opportunities.models import Claim, CustomerGroup, OpportunityKind, ReferenceRequest, ReviewSite, Survey
from tests.factories import make_account, make_advocate, make_kind, make_opportunity, make_signal, make_user

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


class Moment:
    """Inês may be asked once in ninety days; everybody wants her now. Omar, who works elsewhere, wants the seat."""

    def __init__(self) -> None:
        Program.current()
        Program.objects.update(rest_days=0)
        AskCap.objects.all().delete()
        AskCap.objects.create(scope="advocate", kind="", most=1, days=90)
        LifecycleRule.objects.update(enabled=False)
        Survey.objects.update(status="closed", opened_at=timezone.now(), closed_at=timezone.now())
        self.rita, self.lena = make_user("Rita Morgan", Role.MANAGER), make_user("Lena Wolf", Role.MANAGER)
        self.sam = make_user("Sam Adler", Role.REQUESTER)
        acorn = make_account("Acorn")
        self.ines, self.omar = make_advocate("Ines", acorn), make_advocate("Omar", never=["survey", "media-interview"])
        kind = make_kind("reference-call", purpose=Purpose.REFERENCE_CALLS, minutes=30)
        self.calls = [self._filed(kind, "Kestrel"), self._filed(kind, "Plover")]
        interview = make_kind("media-interview", purpose=Purpose.MEDIA_ANALYSTS)
        OpportunityKind.objects.filter(pk=interview.pk).update(is_urgent=True, for_requests=True)
        interview.refresh_from_db()
        self.media = self._filed(interview, "Baking Weekly")
        self.group = CustomerGroup.objects.create(
            name="Planner beta", slug="planner-beta", kind="beta", what="Try it.", benefit="Early.", seats=1
        )
        self.survey = Survey.objects.create(
            title="What next?", kind="roadmap", status="open", opened_at=timezone.now() - DAY,
            questions=[{"key": "words", "label": "What next?", "type": "text"}],
        )  # fmt: skip
        site = ReviewSite.objects.create(name="SoftRate", url="https://softrate.test/write")
        campaign = campaigns.write(
            None, title="Spring", site=site, cohort=None, words="Good or bad.", thanks="", closes_on=None, by=self.rita,
            at=timezone.now(),
        )  # fmt: skip
        self.campaign = campaigns.start(campaign, by=self.rita, at=timezone.now())
        self.seat = make_opportunity("The last seat", kind="webinar", seats=1)
        make_opportunity("Anybody may", kind="roundtable", seats=None)
        rule = LifecycleRule.objects.create(
            name="Offer after two webinars", signal="two_webinars", effect="offer",
            effect_params={"kinds": ["roundtable"]}, enabled=True, enabled_from=timezone.now() - DAY,
        )  # fmt: skip
        self.firing = Firing.objects.create(
            rule=rule, subject=f"contact:{self.ines.contact_id}", occurrence="2", due_at=timezone.now(),
            signal=make_signal("two_webinars", acorn, contact=self.ines.contact, at=timezone.now()),
        )  # fmt: skip
        self.token = ApiToken(name="CRM", scopes=["requests:write"])
        self.secret = self.token.renew()
        self.token.save()
        self.answers: dict[str, int] = {}
        self.pages: dict[str, str] = {}
        self.broken: list[str] = []

    def _filed(self, kind: OpportunityKind, prospect: str) -> ReferenceRequest:
        return desk.file_request(
            requester=self.sam, kind=kind, prospect=prospect, needed_by=timezone.localdate() + 20 * DAY,
            at=timezone.now(), facts={"industry": "Food", "questions": "How was it?"},
        )  # fmt: skip

    def _post(self, name: str, who: User | None, url: str, said: dict[str, Any]) -> Callable[[], None]:
        client = Client(raise_request_exception=False)
        if who is not None:
            client.force_login(who)

        def press() -> None:
            answer = client.post(url, said)
            self.answers[name], self.pages[name] = answer.status_code, answer.content.decode()

        return press

    def _file_by_api(self) -> None:
        said = {
            "requester": self.sam.email, "kind": "reference-call", "prospect": "Teal Foods",
            "needed_by": (timezone.localdate() + 20 * DAY).isoformat(), "questions": "How was it?",
        }  # fmt: skip
        headers = {"authorization": f"Bearer {self.secret}", "idempotency-key": "once"}
        client = Client(raise_request_exception=False)
        answer = client.post("/api/v1/requests", json.dumps(said), "application/json", headers=headers)
        self.answers[f"api {threading.get_ident()}"] = answer.status_code

    def deeds(self) -> list[Callable[[], Any]]:
        nominate = {"advocate": str(self.ines.pk)}
        claim = reverse("opportunities:take", args=[self.seat.public_id])
        at = timezone.now()
        return [
            self._post("rita", self.rita, reverse("admin:opportunities_desk_nominate", args=[self.calls[0].pk]),
                       nominate),
            self._post("lena", self.lena, reverse("admin:opportunities_desk_nominate", args=[self.calls[1].pk]),
                       nominate),
            self._post("lena too", self.lena, reverse("admin:opportunities_desk_nominate", args=[self.calls[0].pk]),
                       nominate),
            self._post("urgent", self.rita, reverse("admin:opportunities_desk_urgent", args=[self.media.pk]),
                       {"do": "ask_best", "number": "3"}),
            self._post("group", self.rita, reverse("opportunities:invite_to_group", args=[self.group.public_id]),
                       {"advocate": str(self.ines.public_id)}),
            self._post("ines", self.ines.user, claim, {}),
            self._post("ines again", self.ines.user, claim, {}),
            self._post("omar", self.omar.user, claim, {}),
            lambda: lifecycle.run(self.firing.pk, at=at),
            lambda: surveys.work(at=at),
            lambda: campaigns.work(at=at),
            self._file_by_api,
            self._file_by_api,
        ]  # fmt: skip

    def now(self) -> "Moment":
        deeds = self.deeds()
        barrier = threading.Barrier(len(deeds))

        def one(deed: Callable[[], Any]) -> None:
            try:
                barrier.wait(20)
                deed()
            except Exception as problem:
                self.broken.append(repr(problem))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=one, args=[deed]) for deed in deeds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(90)
        return self

    def asks(self, advocate: Advocate) -> list[str]:
        """What she was asked within the budget; a campaign for reviews asks everybody alike, and counts after (P19)."""
        live = Ask.objects.filter(advocate=advocate, released_at__isnull=True).exclude(channel=Channel.BOARD)
        return [one.channel for one in live.exclude(source_id__startswith="reviews:")]


def test_no_cap_is_broken_no_seat_oversold_and_one_wins() -> None:
    moment = Moment().now()
    assert moment.broken == []
    assert {name: status for name, status in moment.answers.items() if status >= 500} == {}
    # The campaign counts for whoever asks after it; had it been first, nobody else may ask her any more.
    assert len(moment.asks(moment.ines)) <= 1
    assert Ask.objects.filter(advocate=moment.ines).exclude(channel=Channel.BOARD).exists()
    mails = Message.objects.filter(contact=moment.ines.contact, kind__in=[
        "nomination", "survey", "offered", "group_invitation",
    ])  # fmt: skip
    assert mails.count() == len(moment.asks(moment.ines))
    (winner,) = Claim.objects.filter(opportunity=moment.seat)
    told = "omar" if winner.advocate_id == moment.ines.pk else "ines"
    assert moment.answers[told] == 409 and "The one seat is taken" in moment.pages[told]
    assert ReferenceRequest.objects.filter(prospect="Teal Foods").count() == 1, "a retry files nothing twice"


def test_without_the_locks_she_would_be_asked_more_than_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: nobody waits for anybody, and each looks a little before they write."""
    looked = budget.facts_of

    def look_slowly(advocates: list[Advocate], *, at: Any, **more: Any) -> dict[int, budget.Facts]:
        seen = looked(advocates, at=at, **more)
        sleep(0.1)
        return seen

    moment = Moment()
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_how: rows.all())
    monkeypatch.setattr(budget, "facts_of", look_slowly)
    assert len(moment.now().asks(moment.ines)) > 1
