"""P25: files of accounts, contacts, subscriptions, deals, usage and signals, loaded whole or refused row by row."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection

from advocacy.crm.importing.kinds import all_kinds
from advocacy.crm.importing.loading import RAW_CELL
from advocacy.crm.models import Account, Contact, Deal, ImportRun, Signal, Subscription, Usage
from tests.crm.importing import Load, loader, run_command
from tests.factories import make_account, make_contact, make_user

pytestmark = pytest.mark.django_db

ACCOUNTS = """account_id,name,industry,employees,country,renewal_date
A-1,Kestrel Foods,Food,900,DE,2026-12-31
A-2,Blue Harbour,Logistics,40,FR,2027-03-01
"""


@pytest.fixture
def load(tmp_path: Path) -> Load:
    return loader(tmp_path)


class TestLoadingAccounts:
    def test_columns_named_like_ours_need_no_map(self, load: Load) -> None:
        done = load("accounts", ACCOUNTS)
        assert done.code == 0
        assert done.counts == {"rows": 2, "created": 2, "updated": 0, "unchanged": 0, "rejected": 0}
        kestrel = Account.objects.get(source="crm", external_id="A-1")
        assert (kestrel.name, kestrel.employees, kestrel.renewal_on) == ("Kestrel Foods", 900, date(2026, 12, 31))

    def test_the_same_file_twice_changes_nothing(self, load: Load) -> None:
        load("accounts", ACCOUNTS)
        facts_at = Account.objects.get(external_id="A-1").facts_at
        again = load("accounts", ACCOUNTS)
        assert again.code == 0
        assert again.counts == {"rows": 2, "created": 0, "updated": 0, "unchanged": 2, "rejected": 0}
        assert Account.objects.get(external_id="A-1").facts_at == facts_at

    def test_a_changed_row_is_told_with_what_changed(self, load: Load) -> None:
        load("accounts", ACCOUNTS)
        again = load("accounts", ACCOUNTS.replace("Food,900", "Beverages,950"))
        assert again.counts == {"rows": 2, "created": 0, "updated": 1, "unchanged": 1, "rejected": 0}
        row = ImportRun.objects.latest("pk").results.get()
        assert (row.line, row.external_id, row.result, row.reason) == (2, "A-1", "updated", "industry, employees")
        assert Account.objects.get(external_id="A-1").employees == 950

    def test_history_sees_what_an_import_changes_and_whose_it_was(self, load: Load) -> None:
        load("accounts", ACCOUNTS)
        load("accounts", ACCOUNTS.replace("900", "950"))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pgh_label, employees, pgh_obj_id, metadata->>'import_run' FROM crm_accountevent"
                " LEFT JOIN pghistory_context c ON c.id = pgh_context_id WHERE external_id = 'A-1' ORDER BY pgh_id"
            )
            told = cursor.fetchall()
        account, (first, second) = Account.objects.get(external_id="A-1"), ImportRun.objects.order_by("pk")
        assert told == [("insert", 900, account.pk, str(first.pk)), ("update", 950, account.pk, str(second.pk))]

    def test_a_change_by_hand_afterwards_is_in_the_history_as_ever(self, load: Load) -> None:
        load("accounts", ACCOUNTS)
        Account.objects.filter(external_id="A-1").update(industry="Fine food")
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM crm_accountevent WHERE industry = 'Fine food'")
            assert cursor.fetchone() == (1,)

    def test_fields_the_file_does_not_have_are_left_as_they_are(self, load: Load) -> None:
        load("accounts", ACCOUNTS)
        load("accounts", "account_id,name\nA-1,Kestrel Foods AG\n")
        kestrel = Account.objects.get(external_id="A-1")
        assert (kestrel.name, kestrel.employees, kestrel.industry) == ("Kestrel Foods AG", 900, "Food")

    def test_an_empty_cell_clears_what_its_column_filled(self, load: Load) -> None:
        load("accounts", ACCOUNTS)
        load("accounts", "account_id,name,employees,industry\nA-1,Kestrel Foods,,\n")
        kestrel = Account.objects.get(external_id="A-1")
        assert (kestrel.employees, kestrel.industry) == (None, "")

    def test_a_correction_by_hand_stays_until_the_source_says_something_new(self, load: Load) -> None:
        load("accounts", ACCOUNTS)
        Account.objects.filter(external_id="A-1").update(industry="Fine food")
        assert load("accounts", ACCOUNTS).counts["unchanged"] == 2
        assert Account.objects.get(external_id="A-1").industry == "Fine food"
        load("accounts", ACCOUNTS.replace("900", "950"))
        assert Account.objects.get(external_id="A-1").industry == "Food"

    def test_an_id_twice_in_a_file_the_last_wins_with_a_warning(self, load: Load) -> None:
        done = load("accounts", ACCOUNTS + "A-1,Kestrel Foods SE,Food,901,DE,2026-12-31\n")
        assert done.counts == {"rows": 3, "created": 2, "updated": 0, "unchanged": 0, "rejected": 0}
        assert Account.objects.get(external_id="A-1").name == "Kestrel Foods SE"
        assert "1 row stands under an id that comes again" in done.out
        warning = ImportRun.objects.latest("pk").results.get(result="warning")
        assert (warning.line, warning.external_id) == (2, "A-1")

    def test_a_dry_run_says_the_same_and_writes_nothing(self, load: Load) -> None:
        load("accounts", ACCOUNTS)
        rows = "account_id,name,employees\nA-1,Kestrel Foods,901\nA-2,,1\nA-3,Aurora Health,12\nA-2,Blue Harbour,40\n"
        dry = load("accounts", rows, dry_run=True)
        assert Account.objects.filter(external_id="A-3").exists() is False
        assert Account.objects.get(external_id="A-1").employees == 900
        wet = load("accounts", rows)
        assert dry.counts == wet.counts == {"rows": 4, "created": 1, "updated": 1, "unchanged": 1, "rejected": 1}

    def test_a_parent_may_stand_below_its_child(self, load: Load) -> None:
        done = load("accounts", "account_id,name,parent_id\nA-1,Child,A-2\nA-2,Parent,\nA-3,Orphan,A-9\nA-4,Own,A-4\n")
        assert done.counts == {"rows": 4, "created": 2, "updated": 0, "unchanged": 0, "rejected": 2}
        assert Account.objects.get(external_id="A-1").parent == Account.objects.get(external_id="A-2")
        assert "parent's id “A-9”" in done.reasons[0]
        assert "its own parent" in done.reasons[1]

    def test_a_child_waits_for_a_parent_that_is_refused(self, load: Load) -> None:
        rows = "account_id,name,employees,parent_id\nA-1,Child,5,A-2\nA-2,Parent,many,\nA-3,Grandchild,1,A-1\n"
        assert load("accounts", rows).counts["rejected"] == 3

    def test_colleagues_are_found_by_address_and_unknown_ones_only_warned_of(self, load: Load) -> None:
        sam = make_user("Sam", email="sam@company.test")
        done = load("accounts", "account_id,name,owner_email,csm\nA-1,Kestrel,SAM@company.test,who@company.test\n")
        assert done.counts["created"] == 1
        kestrel = Account.objects.get(external_id="A-1")
        assert (kestrel.owner, kestrel.csm) == (sam, None)
        assert "who@company.test" in ImportRun.objects.latest("pk").results.get(result="warning").reason

    def test_a_colleague_who_is_added_later_is_found_by_the_same_file(self, load: Load) -> None:
        rows = "account_id,name,owner\nA-1,Kestrel,sam@company.test\n"
        load("accounts", rows)
        sam = make_user("Sam", email="sam@company.test")
        assert load("accounts", rows).counts["updated"] == 1
        assert Account.objects.get(external_id="A-1").owner == sam

    def test_words_numbers_and_places_are_understood(self, load: Load) -> None:
        load(
            "accounts",
            "id;company;products;arr;country;language;time_zone;website\n"
            "A-1;Müller & Söhne;Planner| insights;€ 1.234.567,50;Germany;German;europe/berlin;https://www.mueller.example/de\n",
        )
        account = Account.objects.get(external_id="A-1")
        assert account.products == ["insights", "planner"]
        assert account.annual_value == Decimal("1234567.50")
        assert (account.country, account.language, account.time_zone) == ("DE", "de", "Europe/Berlin")
        assert account.domain == "mueller.example"


class TestRefusingRows:
    def test_each_bad_row_is_refused_with_every_reason_and_the_rest_is_loaded(self, load: Load) -> None:
        done = load(
            "accounts",
            "account_id,name,employees,country,renewal_date,annual_value\n"
            "A-1,Good,1,DE,2026-01-01,5\n"
            ",No id,1,DE,2026-01-01,5\n"
            "A-3,,many,Atlantis,2026-02-30,-1\n",
        )
        assert done.code == 0
        assert done.counts == {"rows": 3, "created": 1, "updated": 0, "unchanged": 0, "rejected": 2}
        assert done.reasons[0] == "Account id is empty."
        for said in ("Name is empty", "“many”", "Atlantis", "2026-02-30", "less than 0"):
            assert said in done.reasons[1]

    def test_the_rejects_file_is_mended_and_loaded_again(self, load: Load) -> None:
        load("accounts", ACCOUNTS)
        done = load("contacts", "contact_id,account_id,email\nC-1,A-1,ines@kestrel.example\nC-2,A-9,omar@x.example\n")
        assert done.refused == [
            {"contact_id": "C-2", "account_id": "A-9", "email": "omar@x.example",
             "import_error": "No account is known by the id “A-9”."}
        ]  # fmt: skip
        row = done.refused[0] | {"account_id": "A-2"}
        mended = load("contacts", ",".join(row) + "\n" + ",".join(row.values()) + "\n")
        assert mended.counts == {"rows": 1, "created": 1, "updated": 0, "unchanged": 0, "rejected": 0}

    def test_an_address_comes_back_from_the_rejects_file_as_it_was(self, load: Load) -> None:
        load("accounts", ACCOUNTS)
        row = load("contacts", "contact_id,account_id,email,time_zone\nC-1,A-1,+ines@x.example,Nowhere\n").refused[0]
        assert row["email"] == "'+ines@x.example"
        load("contacts", f"contact_id,account_id,email,time_zone\nC-1,A-1,{row['email']},UTC\n")
        assert Contact.objects.get().email == "+ines@x.example"

    def test_no_field_is_longer_than_what_the_rejects_file_keeps_of_a_cell(self) -> None:
        for kind in all_kinds():
            for field in kind.fields:
                assert getattr(field.type, "longest", 0) < RAW_CELL, (kind.slug, field.name)

    def test_nothing_loadable_ends_with_1_and_says_why(self, load: Load) -> None:
        done = load("accounts", "account_id,name\nA-1,\n")
        assert (done.code, done.counts["rejected"]) == (1, 1)
        assert load("accounts", "account_id,name\n").code == 1
        assert load("accounts", "").code == 1

    def test_a_missing_column_refuses_every_row_with_its_name(self, load: Load) -> None:
        done = load("accounts", "account_id,industry\nA-1,Food\nA-2,Food\n")
        assert (done.code, done.counts["rows"], done.counts["rejected"]) == (1, 2, 2)
        assert all("name" in reason for reason in done.reasons)

    def test_wrong_arguments_end_with_2(self, load: Load, tmp_path: Path) -> None:
        assert load("opportunities", ACCOUNTS).code == 2
        assert run_command("accounts", str(tmp_path / "no.csv"), options={}).code == 2
        for map_ in ("[fields", "[fields]\nnope = 'x'", "colour = 'red'", "dates = 'backwards'", "kind = 'deals'"):
            done = load("accounts", ACCOUNTS, map=map_)
            assert done.code == 2, map_
            assert "map.toml" in done.out
        options = {"rejects": str(tmp_path / "no" / "folder.csv")}
        assert run_command("accounts", str(tmp_path / "file.csv"), options=options).code == 2
        assert Account.objects.count() == 0


class TestDates:
    def test_day_first_is_found_out_from_the_whole_column(self, load: Load) -> None:
        load("accounts", "account_id,name,renewal_date\nA-1,One,03/04/2026\nA-2,Two,27/04/2026\n")
        assert Account.objects.get(external_id="A-1").renewal_on == date(2026, 4, 3)

    def test_month_first_is_found_out_too(self, load: Load) -> None:
        load("accounts", "account_id,name,renewal_date\nA-1,One,03/04/2026\nA-2,Two,04/27/2026\n")
        assert Account.objects.get(external_id="A-1").renewal_on == date(2026, 3, 4)

    def test_another_column_of_the_file_settles_an_open_one(self, load: Load) -> None:
        load("accounts", "account_id,name,renewal_date,contract_start\nA-1,One,03/04/2026,04/27/2025\n")
        assert Account.objects.get(external_id="A-1").renewal_on == date(2026, 3, 4)

    def test_what_stays_open_is_read_day_first_with_a_warning(self, load: Load) -> None:
        done = load("accounts", "account_id,name,renewal_date\nA-1,One,03/04/2026\n")
        assert Account.objects.get(external_id="A-1").renewal_on == date(2026, 4, 3)
        assert "could be read with the day or the month first" in done.out

    def test_the_map_has_the_last_word(self, load: Load) -> None:
        map_ = 'dates = "month-first"\n[fields]\nexternal_id="account_id"\nname="name"\nrenewal_on="renewal_date"\n'
        load("accounts", "account_id,name,renewal_date\nA-1,One,03/04/2026\n", map=map_)
        assert Account.objects.get(external_id="A-1").renewal_on == date(2026, 3, 4)

    def test_a_row_that_contradicts_its_column_is_refused(self, load: Load) -> None:
        rows = "account_id,name,renewal_date\nA-1,One,27/04/2026\nA-2,Two,28/04/2026\nA-3,Three,04/29/2026\n"
        done = load("accounts", rows)
        assert done.counts["created"] == 2
        assert "04/29/2026" in done.reasons[0]


class TestContacts:
    def test_a_whole_name_is_parted_and_an_address_serves_as_id(self, load: Load) -> None:
        account = make_account(external_id="A-1")
        load("contacts", "name,account,email,role\nInes de Almeida,A-1,Ines@kestrel.example,Head of Planning\n")
        ines = Contact.objects.get(account=account)
        assert (ines.given_name, ines.family_name) == ("Ines", "de Almeida")
        assert (ines.external_id, ines.email) == ("ines@kestrel.example", "Ines@kestrel.example")

    def test_a_job_change_moves_the_person_and_keeps_them(self, load: Load) -> None:
        make_account(external_id="A-1")
        there = make_account(external_id="A-2")
        load("contacts", "contact_id,account_id,email\nC-1,A-1,ines@kestrel.example\n")
        ines = Contact.objects.get()
        load("contacts", "contact_id,account_id,email\nC-1,A-2,ines@harbour.example\n")
        ines.refresh_from_db()
        assert ines.account == there

    def test_an_erased_person_does_not_come_back(self, load: Load) -> None:
        make_account(external_id="A-1")
        make_contact(external_id="C-1", erased_at=datetime(2026, 1, 1, tzinfo=UTC), email="")
        done = load("contacts", "contact_id,account_id,email\nC-1,A-1,ines@kestrel.example\n")
        assert done.counts["rejected"] == 1
        assert Contact.objects.get(external_id="C-1").email == ""

    def test_accounts_are_found_by_the_domain_of_an_address_when_the_map_says_so(self, load: Load) -> None:
        kestrel = make_account(domain="kestrel.example")
        map_ = '[fields]\nexternal_id="id"\nemail="mail"\naccount={column="mail",through="domain"}\n'
        done = load("contacts", "id,mail\nC-1,ines@kestrel.example\nC-2,x@elsewhere.example\n", map=map_)
        assert done.counts["created"] == done.counts["rejected"] == 1
        assert Contact.objects.get().account == kestrel


class TestDeals:
    def test_a_closed_deal_closed_on_the_day_it_was_to_close(self, load: Load) -> None:
        load(
            "deals",
            "deal_id,deal_name,company,amount,status,close_date\n"
            'D-1,Rollout,Kestrel,"184,000.00",Closed Won,2026-02-01\nD-2,Pilot,Kestrel,9.50,open,2026-09-01\n',
        )
        won, still_open = Deal.objects.order_by("external_id")
        assert (won.outcome, won.closed_on, won.value) == ("won", date(2026, 2, 1), Decimal("184000.00"))
        assert (still_open.outcome, still_open.closed_on, still_open.prospect) == ("open", None, "Kestrel")

    def test_a_won_deal_without_a_day_is_refused_and_a_reopened_one_loses_it(self, load: Load) -> None:
        assert load("deals", "deal_id,name,outcome\nD-1,Rollout,won\n").counts["rejected"] == 1
        load("deals", "deal_id,name,outcome,closed_on\nD-1,Rollout,won,2026-02-01\n")
        load("deals", "deal_id,name,outcome\nD-1,Rollout,open\n")
        assert Deal.objects.get().closed_on is None

    def test_an_unknown_account_is_a_reason(self, load: Load) -> None:
        done = load("deals", "deal_id,name,account_id\nD-1,Upsell,A-404\nD-2,New,\n")
        assert done.counts == {"rows": 2, "created": 1, "updated": 0, "unchanged": 0, "rejected": 1}


class TestUsageAndSubscriptions:
    def test_usage_finds_its_account_through_the_subscription_and_seconds_become_minutes(self, load: Load) -> None:
        account = make_account(external_id="A-1")
        load("subscriptions", "subscription_id,account_id,plan,start_date\nS-1,A-1,Pro,2026-01-01\n")
        map_ = (
            '[fields]\nexternal_id="id"\naccount={column="sub",through="subscription"}\nfeature="feature"\n'
            'day="day"\nminutes={column="secs",scale="1/60"}\n'
        )
        done = load(
            "usage", "id,sub,feature,day,secs\nU-1,S-1,Plans,2026-02-01,90\nU-2,S-9,Plans,2026-02-01,90\n", map=map_
        )
        used = Usage.objects.get()
        assert (used.account, used.minutes, used.feature) == (account, Decimal("1.50"), "Plans")
        assert "subscription “S-9”" in done.reasons[0]

    def test_usage_without_ids_is_known_by_account_feature_and_day(self, load: Load) -> None:
        make_account(external_id="A-1")
        load("usage", "account,feature,day,minutes\nA-1,Plans,2026-02-01,10\nA-1,Plans,2026-02-02,10\n")
        again = load("usage", "account,feature,day,minutes\nA-1,Plans,2026-02-01,12\n")
        assert again.counts["updated"] == 1
        assert Usage.objects.count() == 2

    def test_a_subscription_does_not_end_before_it_starts(self, load: Load) -> None:
        make_account(external_id="A-1")
        done = load("subscriptions", "id,account,start,end\nS-1,A-1,2026-02-01,2026-01-01\nS-2,A-1,2026-02-01,\n")
        assert done.reasons == ["It ends before it starts."]
        assert Subscription.objects.get().external_id == "S-2"


TICKETS = """
dates = "day-first"
[fields]
account = "account"
[[records]]
when = { column = "escalated", is = "TRUE" }
fields.external_id = { template = "{ticket}:opened" }
fields.occurrence = "ticket"
fields.kind = { constant = "escalation_opened" }
fields.occurred_at = "opened"
[[records]]
when = [{ column = "escalated", is = "TRUE" }, { column = "closed", empty = false }]
fields.external_id = { template = "{ticket}:closed" }
fields.occurrence = "ticket"
fields.kind = { constant = "escalation_closed" }
fields.occurred_at = "closed"
[[records]]
when = { column = "score", empty = false }
fields.external_id = { template = "{ticket}:csat" }
fields.kind = { constant = "csat" }
fields.value = "score"
fields.occurred_at = { columns = ["closed", "opened"] }
"""


class TestSignals:
    def test_one_ticket_gives_three_signals(self, load: Load) -> None:
        account = make_account(external_id="A-1")
        rows = (
            "ticket,account,opened,closed,score,escalated\n"
            "T-1,A-1,27-01-2026,28-01-2026 03:00,2,TRUE\n"
            "T-2,A-1,27-01-2026,,,FALSE\n"
            "T-3,A-1,01-02-2026,,4,FALSE\n"
        )
        done = load("signals", rows, map=TICKETS)
        assert done.counts == {"rows": 3, "created": 4, "updated": 0, "unchanged": 0, "rejected": 0}
        found = {s.external_id: s for s in Signal.objects.filter(account=account)}
        assert set(found) == {"T-1:opened", "T-1:closed", "T-1:csat", "T-3:csat"}
        assert found["T-1:closed"].occurred_at == datetime(2026, 1, 28, 3, 0, tzinfo=UTC)
        assert (found["T-1:csat"].value, found["T-1:csat"].occurrence) == (Decimal(2), "T-1:csat")
        assert found["T-1:opened"].occurrence == found["T-1:closed"].occurrence == "T-1"
        assert found["T-3:csat"].occurred_at == datetime(2026, 2, 1, tzinfo=UTC)
        assert load("signals", rows, map=TICKETS).counts["unchanged"] == 4

    def test_a_row_with_several_records_is_loaded_whole_or_not_at_all(self, load: Load) -> None:
        make_account(external_id="A-1")
        rows = "ticket,account,opened,closed,score,escalated\nT-1,A-1,27-01-2026,28-01-2026,9,TRUE\n"
        done = load("signals", rows, map=TICKETS)
        assert (done.code, done.counts["rejected"]) == (1, 1)
        assert Signal.objects.count() == 0
        assert "from 1 to 5" in done.reasons[0]

    def test_a_person_brings_their_account_and_a_signal_without_id_is_known_by_its_nature(self, load: Load) -> None:
        ines = make_contact(external_id="C-1")
        rows = "signal,contact,date,value\nNPS given,C-1,2026-02-01T10:00:00+01:00,9\n"
        load("signals", rows)
        nps = Signal.objects.get()
        assert (nps.kind, nps.contact, nps.account) == ("nps", ines, ines.account)
        assert nps.occurred_at == datetime(2026, 2, 1, 9, 0, tzinfo=UTC)
        assert nps.occurrence == nps.external_id == "nps:C-1:2026-02-01T09:00:00"
        assert load("signals", rows).counts["unchanged"] == 1

    def test_received_is_now_whenever_it_occurred(self, load: Load) -> None:
        make_account(external_id="A-1")
        load("signals", "id,signal,account,date\nX-1,onboarding_closed,A-1,2025-01-05\n")
        signal = Signal.objects.get()
        assert signal.received_at > datetime(2025, 6, 1, tzinfo=UTC)
        first = signal.received_at
        load("signals", "id,signal,account,date\nX-1,onboarding_closed,A-1,2025-01-06\n")
        signal.refresh_from_db()
        corrected = signal.received_at
        assert corrected > first, "a correction is news"
        load("signals", "id,signal,account,date\nX-1,onboarding_closed,A-1,2025-01-06\n")
        signal.refresh_from_db()
        assert signal.received_at == corrected

    def test_what_has_no_meaning_is_refused(self, load: Load) -> None:
        make_account(external_id="A-1")
        done = load(
            "signals",
            "id,signal,account,contact,date,value\n"
            "X-1,sneezed,A-1,,2025-01-05,\nX-2,nps,A-1,,2025-01-05,11\nX-3,renewed,,,2025-01-05,\n"
            "X-4,renewed,A-1,,2199-01-05,\nX-5,renewed,A-1,C-404,2025-01-05,\n",
        )
        assert done.counts["rejected"] == 5
        for reason, said in zip(
            done.reasons, ("sneezed", "from 0 to 10", "One of these", "future", "C-404"), strict=True
        ):
            assert said in reason


class TestMaps:
    def test_values_constants_and_sources(self, load: Load) -> None:
        map_ = """
        source = "hubspot"
        [fields]
        external_id = "ref"
        name = "who"
        currency = { constant = "USD" }
        region = { column = "land", values = { DE = "Europe", us = "North America" }, otherwise = "Elsewhere" }
        """
        load("accounts", "ref,who,land\n1,One,de\n2,Two,US\n3,Three,JP\n", map=map_)
        assert list(Account.objects.order_by("external_id").values_list("source", "region", "currency")) == [
            ("hubspot", "Europe", "USD"), ("hubspot", "North America", "USD"), ("hubspot", "Elsewhere", "USD"),
        ]  # fmt: skip

    def test_the_same_id_from_two_sources_is_two_accounts(self, load: Load) -> None:
        load("accounts", "account_id,name\nA-1,Kestrel\n")
        map_ = 'source = "erp"\n[fields]\nexternal_id = "account_id"\nname = "name"\n'
        assert load("accounts", "account_id,name\nA-1,Other\n", map=map_).counts["created"] == 1
        assert Account.objects.count() == 2

    def test_an_optional_column_that_is_absent_is_warned_of_and_left(self, load: Load) -> None:
        load("accounts", ACCOUNTS)
        map_ = '[fields]\nexternal_id = "account_id"\nname = "name"\nemployees = "Heads"\n'
        done = load("accounts", "account_id,name\nA-1,Kestrel\n", map=map_)
        assert "no column “Heads”" in done.out
        assert Account.objects.get(external_id="A-1").employees == 900

    def test_a_columns_name_is_never_code(self, load: Load) -> None:
        map_ = '[fields]\nname = "a.__class__"\nexternal_id = { template = "x-{a.__class__}" }\n'
        load("accounts", "a.__class__\nplain\n", map=map_)
        assert Account.objects.get().external_id == "x-plain"


class TestTheExamplesInTheDocs:
    def test_every_map_is_sound(self) -> None:
        from advocacy.crm.importing.kinds import kind_of
        from advocacy.crm.importing.mapping import from_toml

        folder = Path(__file__).parents[2] / "docs" / "examples" / "ravenstack"
        paths = sorted(folder.glob("*.toml"))
        assert len(paths) >= 5
        for path in paths:
            kind = kind_of(path.stem.split("-")[0])
            assert kind is not None
            from_toml(kind, path.read_bytes())
