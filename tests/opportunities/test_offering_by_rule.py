"""A lifecycle rule offers members what is open to them, within their budget (P17, P19, P20)."""

from datetime import timedelta
from typing import Any

import pytest

from advocacy.crm.models import Contact
from advocacy.delivery.models import Message
from advocates import budget
from advocates.actions import lifecycle
from advocates.lifecycle import check_rule
from advocates.models import Ask, Firing, LifecycleRule, Task
from tests.factories import NOON, make_advocate, make_contact, make_kind, make_opportunity, make_signal

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def rule() -> LifecycleRule:
    LifecycleRule.objects.update(enabled=False)
    return LifecycleRule.objects.create(
        name="Two webinars", signal="two_webinars", effect="offer", enabled=True, enabled_from=NOON - 10 * DAY,
        effect_params={"kinds": ["webinar", "blog-post"]},
    )  # fmt: skip


def attended(contact: Contact, at: Any = NOON - DAY) -> None:
    make_signal("two_webinars", contact.account, contact=contact, at=at)


class TestAnOffer:
    def test_it_goes_to_the_member_as_one_mail_and_one_ask(self, rule: LifecycleRule) -> None:
        ines = make_advocate("Ines")
        make_opportunity("Tell us how you plan", kind="webinar")
        make_opportunity("Write about your first year", kind="blog-post", closes_at=NOON + 9 * DAY)
        make_opportunity("A call", kind="podcast")
        attended(ines.contact)
        (said,) = lifecycle.dry_run(rule, at=NOON)
        assert said.fires and said.people == [ines.contact]
        lifecycle.follow_signals(at=NOON)
        firing = Firing.objects.get()
        assert firing.status == "done"
        assert firing.reasons[-1] == ("Ines Barbosa was offered “Write about your first year”, “Tell us how you plan”.")
        mail = Message.objects.get(kind="offered")
        assert (mail.contact, mail.purpose) == (ines.contact, "program_mail")
        assert [item["title"] for item in mail.params["items"]] == [
            "Write about your first year", "Tell us how you plan",
        ]  # fmt: skip
        assert Ask.objects.get().channel == "rule"

    def test_whoever_rests_is_not_asked(self, rule: LifecycleRule) -> None:
        ines = make_advocate("Ines")
        make_opportunity(kind="webinar")
        budget.ask(ines, channel="desk", source_id=1, kind="", at=NOON - 2 * DAY)
        attended(ines.contact)
        (said,) = lifecycle.dry_run(rule, at=NOON)
        assert not said.fires
        lifecycle.follow_signals(at=NOON)
        assert Firing.objects.get().status == "refused"
        assert not Message.objects.filter(kind="offered").exists() and Ask.objects.count() == 1

    def test_a_customer_who_is_no_member_and_a_board_with_nothing_for_them_offer_nothing(self) -> None:
        make_opportunity(kind="podcast")
        mei, ines = make_contact("Mei"), make_advocate("Ines")
        attended(mei)
        attended(ines.contact)
        lifecycle.follow_signals(at=NOON)
        reasons = [reason for firing in Firing.objects.all() for reason in firing.reasons]
        assert "Mei Barbosa is not a member; only members are offered something." in reasons
        assert "Nothing of these kinds is open to Ines Barbosa." in reasons
        assert not Task.objects.exists()

    def test_two_offers_in_one_dry_run_do_not_fall_into_one_rest(self, rule: LifecycleRule) -> None:
        ines = make_advocate("Ines")
        make_opportunity(kind="webinar")
        LifecycleRule.objects.filter(pk=rule.pk).update(reentry=True)
        rule.refresh_from_db()
        attended(ines.contact, NOON - 2 * DAY)
        attended(ines.contact, NOON - DAY)
        assert [said.fires for said in lifecycle.dry_run(rule, at=NOON)] == [True, False]
        lifecycle.follow_signals(at=NOON)
        assert sorted(Firing.objects.values_list("status", flat=True)) == ["done", "refused"]


class TestSavingIt:
    @pytest.mark.parametrize(
        ("params", "said"),
        [
            ({}, "at least one kind"),
            ({"kinds": []}, "at least one kind"),
            ({"kinds": "webinar"}, "at least one kind"),
            ({"kinds": ["flying"]}, "no kind “flying”"),
            ({"kinds": ["webinar", "review-site-review"]}, "public review is never asked for"),
        ],
    )
    def test_only_known_kinds_and_never_a_public_review(self, params: dict[str, Any], said: str) -> None:
        make_kind("webinar")
        make_kind("review-site-review", is_review=True)
        wrong = check_rule(signal="two_webinars", conditions=[], effect="offer", effect_params=params, whom="champion")
        assert any(said in sentence for sentence in wrong["effect_params"])

    def test_a_kind_that_became_a_review_since_is_refused_when_it_would_be_sent(self) -> None:
        ines = make_advocate("Ines")
        opportunity = make_opportunity(kind="webinar")
        opportunity.kind.is_review = True
        opportunity.kind.save()
        attended(ines.contact)
        lifecycle.follow_signals(at=NOON)
        assert Firing.objects.get().status == "refused" and not Message.objects.filter(kind="offered").exists()
