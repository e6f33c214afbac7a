"""Of two customers who differ only in feelings, any rule asks both for a review or none (P19).

The twins share every fact that carries no feeling. One is pleased and came into the program for it; the other said so
little good, or had such bad news, that they were never invited and asks there rest.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advocacy.crm import hearing, readiness
from advocacy.crm.catalogue import SIGNAL_KINDS, Deed
from advocacy.crm.models import Account, Contact
from advocacy.crm.spine import record
from advocacy.lib.lifecycle import Refused
from advocates import lifecycle as rules
from advocates import reviews, segments
from advocates.actions import lifecycle
from advocates.lifecycle import FACTS, Effect
from advocates.models import Advocate, Ask, Cohort, Firing, LifecycleRule
from tests.factories import NOON, make_account, make_contact, make_signal

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
PLAIN = [slug for slug, kind in SIGNAL_KINDS.items() if not kind.tells_feelings]
Said = dict[str, Any]

# --- What differs -----------------------------------------------------------------------------------------------------
FEELINGS: dict[str, Callable[[Contact, bool], Any]] = {
    "nps": lambda who, glad: make_signal("nps", who.account, contact=who, value=9 if glad else 2, at=NOON - 4 * DAY),
    "csat": lambda who, glad: make_signal("csat", who.account, contact=who, value=5 if glad else 1, at=NOON - 4 * DAY),
    "red flag": lambda who, glad: glad or make_signal("adoption_red_flag", who.account, at=NOON - 5 * DAY),
    "lost upsell": lambda who, glad: glad or make_signal("upsell_lost", who.account, at=NOON - 5 * DAY),
    "notice": lambda who, glad: glad or make_signal("churn_notice", who.account, at=NOON - 5 * DAY),
    "open escalation": lambda who, glad: glad or make_signal("escalation_opened", who.account, at=NOON - 5 * DAY),
    "closed escalation": lambda who, glad: glad and make_signal("escalation_closed", who.account, at=NOON - 5 * DAY),
    "not ready": lambda who, glad: glad or readiness.set_not_ready(who.account, reason="Unhappy", by=None, at=NOON),
    "rests by hand": lambda who, glad: glad or readiness.pause(who.account, reason="Unhappy", by=None, at=NOON),
    "member": lambda who, glad: glad and _became_a_member(who),
    "declined": lambda who, glad: glad or Advocate.objects.get_or_create(contact=who, defaults={"status": "declined"}),
    "active": lambda who, glad: glad and _is_active(who),
    "heard of": lambda who, glad: glad and [
        hearing.hear(kind, contact=who, occurrence="deed", at=NOON - 2 * DAY)
        for kind in ("joined_program", "submitted_content", "completed_course")
    ],
}  # fmt: skip


def _became_a_member(who: Contact) -> Advocate:
    member = {
        "status": "member", "stage": 4, "joined_at": NOON - 90 * DAY, "expertise": ["planning"],
        "interests": ["planning"], "years_of_experience": 9, "type": "connect", "wants": ["webinar"],
    }  # fmt: skip
    return Advocate.objects.update_or_create(contact=who, defaults=member)[0]


def _is_active(who: Contact) -> None:
    member = _became_a_member(who)
    for number, deed in enumerate((Deed.VERIFIED, Deed.POSTED)):
        record(deed, at=NOON - 9 * DAY, source=("test", f"{who.pk}:{number}"), contact=who)
    Ask.objects.create(
        channel="desk", source_id=str(who.pk), advocate=member, account=who.account, asked_at=NOON - 60 * DAY,
        answered_at=NOON - 59 * DAY,
    )  # fmt: skip


def twin(name: str) -> Contact:
    """Every plain fact, the same for both; and every plain signal, on the same day."""
    account = make_account(
        f"{name}’s company", annual_value=90_000, products=["Planner"], use_cases=["night shifts"],
        replaced_competitors=["Oldplan"], contract_start=date(2024, 1, 31), renewal_on=date(2026, 5, 1),
    )  # fmt: skip
    who = make_contact(name, account)
    for kind in PLAIN:
        about = who if SIGNAL_KINDS[kind].subject == "contact" else None
        if not SIGNAL_KINDS[kind].in_portal:
            make_signal(kind, account, contact=about, at=NOON - 3 * DAY, value=7)
    return who


# --- What can be composed ---------------------------------------------------------------------------------------------
WORDS = {
    "account.region": "Europe", "account.country": "DE", "account.industry": "Food", "account.language": "en",
    "account.products": "Planner", "account.use_cases": "night shifts", "account.replaced_competitors": "Oldplan",
    "account.readiness": "ready",
}  # fmt: skip
numbers = st.sampled_from([0, 1, 5, 7, 9, 30, 500, 90_000])


def conditions_on(fact: rules.Fact) -> st.SearchStrategy[Said]:
    value: Any = numbers if fact.number else st.sampled_from([WORDS.get(fact.key, ""), "something else"])
    plain = st.sampled_from(["is", "is_not", *(["at_least", "at_most"] if fact.number else [])])
    return st.one_of(
        st.fixed_dictionaries({"fact": st.just(fact.key), "is": plain, "value": value}),
        st.fixed_dictionaries(
            {"fact": st.just(fact.key), "is": st.just("one_of"), "value": st.lists(value, min_size=1)}
        ),
    )


def lines_on(fact: segments.Fact) -> st.SearchStrategy[Said]:
    words = st.sampled_from([["Europe"], ["Food"], ["Planner"], ["Head"], ["planning"], ["DE", "FR"], ["elsewhere"]])
    value: Any = {
        segments.Takes.WORDS: words,
        segments.Takes.NUMBER: numbers.map(lambda number: min(number, fact.most)),
        segments.Takes.CHOICE: st.sampled_from([key for key, _label in fact.options] or [""]),
    }[fact.takes]
    return st.fixed_dictionaries({"fact": st.just(fact.key), "value": value})


composed = st.fixed_dictionaries(
    {
        "signal": st.sampled_from([*PLAIN, *PLAIN, *SIGNAL_KINDS]),
        "conditions": st.lists(st.sampled_from(list(FACTS.values())).flatmap(conditions_on), max_size=2),
        "delay_days": st.sampled_from([0, 0, 2]),
        "reentry": st.booleans(),
        "at_most": st.sampled_from([1, 2]),
        "whom": st.sampled_from(["champion", "admin,champion", "decider"]),
    }
)
differences = st.sets(st.sampled_from(sorted(FEELINGS)), min_size=1)


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Contact, Said]]:
    """Whom a review is asked of, and what for."""
    landed: list[tuple[Contact, Said]] = []

    def ask(doing: rules.Doing) -> str:
        landed.append((doing.contact, dict(doing.rule.effect_params)))
        return "They were asked."

    effect = Effect("review", "ask for a review", do=ask, why_not=lambda *_a: None, asks_public_review=True)
    monkeypatch.setitem(rules._effects, "review", effect)
    LifecycleRule.objects.update(enabled=False)
    return landed


def live(rule: Said, cohort: Said | None, differ: set[str], asked: list[Any]) -> tuple[bool, bool] | None:
    """Whether the glad and the other twin are asked, live and dry alike; None where saving is refused."""
    asked.clear()
    glad, other = twin("Ines"), twin("Omar")
    for name in sorted(differ):
        for who in (glad, other):
            who.account = Account.objects.get(pk=who.account_id)
            FEELINGS[name](who, who == glad)
    readiness.follow_signals(at=NOON)  # bad news pauses
    kept = Cohort.objects.create(name="Them", definition=cohort) if cohort else None
    made = LifecycleRule.objects.create(
        name="Ask for a review", effect="review", effect_params={"points": 50}, cohort=kept, enabled=False, **rule
    )
    try:
        lifecycle.switch_on(made, at=NOON - 10 * DAY)
    except Refused as refusal:
        assert "public review" in str(refusal)
        return None
    said = {who.pk for one in lifecycle.dry_run(made, at=NOON) if one.fires for who in one.people}
    lifecycle.follow_signals(at=NOON)
    lifecycle.follow_signals(at=NOON + 2 * DAY)
    told = {who.pk for who, _reward in asked}
    assert said == told
    assert len({str(reward) for _who, reward in asked}) <= 1, "one reward for any opinion"
    assert not Firing.objects.filter(status="waiting").exists()
    return glad.pk in told, other.pk in told


at_random = settings(
    max_examples=120, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


class TestTwins:
    @at_random
    @given(rule=composed, differ=differences, data=st.data())
    def test_both_are_asked_or_neither(
        self, asked: list[Any], rule: Said, differ: set[str], data: st.DataObject
    ) -> None:
        line = st.sampled_from(sorted(segments.facts().values(), key=lambda fact: fact.key)).flatmap(lines_on)
        part = st.lists(line, max_size=1)
        cohort = data.draw(st.none() | st.fixed_dictionaries(dict.fromkeys(segments.PARTS, part)), "cohort")
        with transaction.atomic():
            came_to = live(rule, cohort, differ, asked)
            transaction.set_rollback(True)
        assert came_to in (None, (True, True), (False, False))

    PLAIN_RULE: Said = {
        "signal": "renewed", "conditions": [{"fact": "account.region", "is": "is", "value": "Europe"}],
        "delay_days": 2, "reentry": False, "at_most": 1, "whom": "champion",
    }  # fmt: skip

    def test_a_plain_rule_asks_both_however_far_apart_they_feel(self, asked: list[Any]) -> None:
        """Were everything refused or nobody asked, the test above would prove nothing."""
        plain = {"all": [{"fact": "contact.title", "value": ["Head"]}]}
        assert live(self.PLAIN_RULE, plain, set(FEELINGS), asked) == (True, True)

    @pytest.mark.parametrize("signal", ["joined_program", "submitted_content", "completed_course"])
    def test_what_only_members_do_in_the_portal_starts_none(self, asked: list[Any], signal: str) -> None:
        """Omar was not invited because he was unhappy; so he could not join, and is not left out of reviews for it."""
        rule = {**self.PLAIN_RULE, "signal": signal, "delay_days": 0}
        assert live(rule, None, {"nps", "heard of"}, asked) is None
        among = {"all": [{"fact": f"signal.{signal}", "value": 30}]}
        LifecycleRule.objects.all().delete()
        assert live(self.PLAIN_RULE, among, {"nps", "heard of"}, asked) is None

    def test_all_that_is_heard_in_the_portal_is_known_as_such(self) -> None:
        with pytest.raises(ValueError, match="renewed"):
            hearing.hear("renewed", contact=make_contact(), occurrence="deed", at=NOON)

    @pytest.mark.parametrize(
        ("cohort", "differ"),
        [
            ({"all": [{"fact": "signal.nps.least", "value": 9}]}, "nps"),
            ({"exclude": [{"fact": "account.readiness", "value": "paused"}]}, "open escalation"),
            ({"any": [{"fact": "program.status", "value": "member"}]}, "member"),
            ({"all": [{"fact": "program.activities", "value": 1}]}, "active"),
        ],
    )
    def test_without_the_guard_the_twins_part(
        self, asked: list[Any], monkeypatch: pytest.MonkeyPatch, cohort: Said, differ: str
    ) -> None:
        """The negative control."""
        monkeypatch.setattr(reviews, "why_not", lambda **_sources: None)
        assert live(self.PLAIN_RULE, cohort, {differ}, asked) == (True, False)
