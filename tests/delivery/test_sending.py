"""What becomes of a mail that is owed: sent once, held back at the last moment, tried again, or shown to a person."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from advocacy.crm import consent
from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import ConsentState, Program, RecordedBasis
from advocacy.delivery import outbox, tasks
from advocacy.delivery import sender as sending
from advocacy.delivery.models import Batch, Message, Suppression
from advocacy.delivery.transport import InDoubt, Never, NotNow, NotTaken, Unreachable
from tests.factories import NOON, make_advocate, make_contact, make_user

pytestmark = pytest.mark.django_db


def fresh(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


class TestOwing:
    def test_the_same_key_twice_is_one_mail(self, owe):
        ines = make_advocate("Ines").contact
        assert owe(ines, dedupe_key="thanks:1").pk == owe(ines, dedupe_key="thanks:1").pk
        assert Message.objects.count() == 1

    def test_nobody_without_an_address_is_owed_mail(self, plain_template):
        contact = make_contact("Omar", email="")
        assert outbox.owe("note", to=contact, template=plain_template, dedupe_key="1", at=NOON) is None

    def test_mail_that_needs_consent_is_owed_to_a_contact(self, plain_template):
        with pytest.raises(ValueError, match="Contact"):
            outbox.owe(
                "note", to=make_user(), template=plain_template, dedupe_key="1", at=NOON, purpose=Purpose.NEWSLETTER
            )

    def test_a_secret_is_not_readable_in_the_database_and_is_wiped_once_sent(self, owe, sender, out):
        message = owe("omar@customer.test", secret={"subject": "Your code is 481516"})
        assert b"481516" not in bytes(fresh(message).secret)
        assert "481516" not in str(fresh(message).params)
        sender.run()
        assert fresh(message).status == "sent"
        assert fresh(message).secret is None

    def test_many_mails_of_one_transaction_wake_the_sender_once(self, owe, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks() as callbacks:
            for _number in range(5):
                owe("omar@customer.test")
        assert len(callbacks) == 1


class TestSending:
    def test_a_due_mail_goes_out_and_is_on_record(self, owe, sender, out):
        message = owe(make_advocate("Ines").contact)
        assert sender.run() == {"sent": 1}
        message = fresh(message)
        assert (message.status, message.sent_at, message.result) == ("sent", NOON, "250 taken")
        assert out.receivers == [message.to_email]
        assert out.mails[0]["Message-ID"] == message.message_id

    def test_all_of_several_shares_go_out_in_order(self, owe, make_sender, out):
        messages = [owe(f"p{number}@customer.test") for number in range(25)]
        make_sender(share=10).run()
        assert out.receivers == [message.to_email for message in messages]
        assert set(Message.objects.values_list("status", flat=True)) == {"sent"}

    def test_mail_that_is_not_due_waits(self, owe, sender, out, clock):
        owe(due_at=NOON + timedelta(hours=1))
        sender.run()
        assert out.mails == []
        clock.forward(hours=1)
        sender.run()
        assert len(out.mails) == 1

    def test_a_sign_in_code_does_not_wait_behind_an_edition(self, owe, make_sender, out):
        for number in range(30):
            owe(f"p{number}@customer.test", batch="edition:1", at=NOON - timedelta(hours=1))
        owe("omar@customer.test", kind="sign_in_code")
        make_sender(share=10).run()
        assert out.receivers[0] == "omar@customer.test"

    def test_no_connection_is_opened_when_nothing_is_due(self, sender, out, db):
        sender.run()
        assert out.opened == 0

    def test_a_poisoned_message_fails_alone(self, owe, sender, out):
        before, poisoned, after = owe("a@customer.test"), owe("b@customer.test", params={"poison": 1}), owe("c@x.test")
        sender.run()
        assert [fresh(m).status for m in (before, poisoned, after)] == ["sent", "failed", "sent"]
        assert "poison" in fresh(poisoned).result

    def test_a_template_that_is_not_there_fails_with_a_word(self, sender):
        message = outbox.owe("note", to="a@x.test", template="nowhere/nothing", dedupe_key="1", at=NOON)
        sender.run()
        assert fresh(message).status == "failed"
        assert "nowhere/mail/nothing.txt" in fresh(message).result

    @pytest.mark.parametrize("address", ["no address", "a@b@c@", "@host.test", "name@", "a@\x00.test"])
    def test_an_address_that_is_none_fails_with_a_word(self, owe, sender, out, address):
        good, bad = owe("a@customer.test"), owe("b@customer.test")
        Message.objects.filter(pk=bad.pk).update(to_email=address.replace("\x00", "\u0001"))
        sender.run()
        assert fresh(good).status == "sent"
        assert fresh(bad).status == "failed"

    def test_it_stops_between_two_mails_when_asked(self, owe, make_sender, out):
        for number in range(6):
            owe(f"p{number}@customer.test")
        make_sender(stop=lambda: len(out.mails) >= 2).run()
        assert len(out.mails) == 2
        assert sorted(Message.objects.values_list("status", flat=True)) == ["due"] * 4 + ["sent"] * 2


class TestWhatTheServerSaid:
    def test_it_may_hold_any_sign(self, owe, sender, out, monkeypatch):
        first, _second = owe("a@customer.test"), owe("b@customer.test")
        taken = type(out).send
        monkeypatch.setattr(out, "send", lambda mail: taken(out, mail) + " 100% %(name)s 'quoted' {gates} $1")
        sender.run()
        assert fresh(first).result == "250 taken 100% %(name)s 'quoted' {gates} $1"


class TestTheLastMoment:
    """Consent, suppression and the rest are asked in the very statement that lets a message out."""

    def test_consent_withdrawn_after_queueing_holds_it_back(self, owe, sender, out):
        ines = make_advocate("Ines")
        message = owe(ines.contact, purpose=Purpose.NEWSLETTER)
        consent.withdraw(ines.contact, Purpose.NEWSLETTER, at=NOON, source="test")
        assert sender.run() == {"suppressed": 1}
        assert out.mails == []
        assert "consent" in fresh(message).result

    def test_the_next_mail_is_made_while_the_server_takes_one_and_still_asks_in_its_own_turn(
        self, owe, make_sender, out
    ):
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        owe(ines.contact)
        second = owe(omar.contact)
        sender, made = make_sender(), []

        def leave_meanwhile(_prepared):
            made.append(dict(sender.ahead))
            consent.withdraw(omar.contact, Purpose.PROGRAM_MAIL, at=NOON, source="test")

        out.says[ines.contact.email] = leave_meanwhile
        sender.run()
        assert [list(one) for one in made] == [[second.pk]]
        assert out.receivers == [ines.contact.email]
        assert fresh(second).status == "suppressed"

    def test_a_server_that_becomes_slow_does_not_hold_a_sign_in_code_up(self, owe, make_sender, out, monkeypatch):
        slow = iter(range(0, 10_000, 4))  # each look at the watch is four seconds later
        monkeypatch.setattr(sending.time, "monotonic", lambda: next(slow))
        for number in range(6):
            owe(f"p{number}@customer.test", batch="edition:1")
        sender = make_sender()
        assert sender.send_a_share() == 6
        assert 0 < len(out.mails) < 6
        assert Message.objects.filter(status="due").count() == 6 - len(out.mails)
        owe("code@customer.test")
        before = len(out.mails)
        sender.send_a_share()
        assert out.receivers[before] == "code@customer.test"

    def test_consent_withdrawn_in_the_middle_of_a_share_holds_it_back(self, owe, sender, out):
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        owe(ines.contact)
        second = owe(omar.contact)

        def leave_meanwhile(_prepared):
            consent.withdraw(omar.contact, Purpose.PROGRAM_MAIL, at=NOON, source="test")

        out.says[ines.contact.email] = leave_meanwhile
        sender.run()
        assert out.receivers == [ines.contact.email]
        assert fresh(second).status == "suppressed"

    def test_consent_that_has_expired_is_none(self, owe, sender, out, clock):
        ines = make_advocate("Ines")
        ConsentState.objects.filter(contact=ines.contact).update(expires_at=NOON + timedelta(hours=1))
        owe(ines.contact, due_at=NOON + timedelta(hours=2))
        clock.forward(hours=2)
        assert sender.run() == {"suppressed": 1}

    def test_a_recorded_basis_stands_in_for_consent_until_it_ends(self, owe, sender, out):
        mei = make_contact("Mei")
        basis = RecordedBasis.objects.create(contact=mei, purpose="invitation", basis="customer")
        owe(mei, purpose="", basis="invitation")
        assert sender.run() == {"sent": 1}
        basis.ended_at = NOON
        basis.save()
        owe(mei, purpose="", basis="invitation")
        assert sender.run() == {"suppressed": 1}

    def test_without_consent_or_basis_nothing_goes(self, owe, sender, out):
        owe(make_contact("Mei"), purpose="", basis="invitation")
        assert sender.run() == {"suppressed": 1}

    def test_a_bounced_address_gets_nothing_but_sign_in_mail(self, owe, sender, out):
        ines = make_advocate("Ines").contact
        Suppression.objects.create(email=ines.email.upper(), reason="bounced", at=NOON)
        accepted = owe(ines, purpose="", counts=False)
        code = owe(ines.email, kind="sign_in_code")
        sender.run()
        assert fresh(accepted).status == "suppressed"
        assert fresh(code).status == "sent"

    def test_who_left_all_mail_still_gets_what_they_accepted(self, owe, sender, out):
        ines = make_advocate("Ines").contact
        Suppression.objects.create(email=ines.email, reason="unsubscribed", at=NOON)
        letter, call = owe(ines, purpose=Purpose.NEWSLETTER), owe(ines, purpose="", counts=False)
        sender.run()
        assert fresh(letter).status == "suppressed"
        assert fresh(call).status == "sent"

    def test_a_later_yes_lifts_leaving(self, owe, sender, out):
        ines = make_advocate("Ines").contact
        Suppression.objects.create(email=ines.email, reason="unsubscribed", at=NOON - timedelta(days=2))
        consent.grant(ines, Purpose.NEWSLETTER, wording="Yes.", at=NOON - timedelta(days=1), source="test")
        owe(ines, purpose=Purpose.NEWSLETTER)
        assert sender.run() == {"sent": 1}

    def test_a_later_yes_does_not_lift_a_bounce(self, owe, sender, out):
        ines = make_advocate("Ines").contact
        Suppression.objects.create(email=ines.email, reason="bounced", at=NOON - timedelta(days=2))
        consent.grant(ines, Purpose.NEWSLETTER, wording="Yes.", at=NOON - timedelta(days=1), source="test")
        owe(ines, purpose=Purpose.NEWSLETTER)
        assert sender.run() == {"suppressed": 1}

    @pytest.mark.parametrize("gone", [{"erased_at": NOON}, {"left_on": NOON.date()}])
    def test_who_is_erased_or_gone_gets_nothing(self, owe, sender, out, gone):
        ines = make_advocate("Ines").contact
        message = owe(ines, purpose="")
        type(ines).objects.filter(pk=ines.pk).update(**gone)
        sender.run()
        assert fresh(message).status == "cancelled"
        assert out.mails == []


class TestRunsThatAreHeld:
    def test_a_paused_run_waits_and_goes_on(self, owe, sender, out):
        run = Batch.objects.create(key="edition:1", status=Batch.Status.PAUSED)
        message = owe("a@customer.test", batch="edition:1")
        single = owe("b@customer.test")
        sender.run()
        assert (fresh(message).status, fresh(single).status) == ("due", "sent")
        assert not sending.anything_due(at=NOON)
        run.move_to(Batch.Status.RUNNING)
        sender.run()
        assert fresh(message).status == "sent"

    def test_a_run_paused_in_the_middle_of_a_share_stops_there(self, owe, sender, out):
        run = Batch.objects.create(key="edition:1")
        for number in range(5):
            owe(f"p{number}@customer.test", batch="edition:1")
        out.says["p1@customer.test"] = lambda _prepared: run.move_to(Batch.Status.PAUSED) and None
        sender.run()
        assert out.receivers == ["p0@customer.test", "p1@customer.test"]
        assert Message.objects.filter(status="due").count() == 3

    def test_a_run_stopped_in_the_middle_cancels_the_rest(self, owe, sender, out):
        run = Batch.objects.create(key="edition:1")
        for number in range(5):
            owe(f"p{number}@customer.test", batch="edition:1")
        out.says["p1@customer.test"] = lambda _prepared: run.move_to(Batch.Status.STOPPED) and None
        sender.run()
        assert Message.objects.filter(status="sent").count() == 2
        assert Message.objects.filter(status="cancelled").count() == 3


class TestBehindAPooler:
    """Where each transaction may get another connection nothing is prepared; the same gates hold."""

    @pytest.fixture(autouse=True)
    def pooled(self, monkeypatch):
        monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)

    def test_it_sends_and_holds_back(self, owe, sender, out):
        ines, omar = make_advocate("Ines"), make_advocate("Omar", consents=())
        owe(ines.contact), owe(omar.contact), owe(ines.contact)
        assert sender.run() == {"sent": 2, "suppressed": 1}
        assert not sender.statements.names

    def test_what_a_server_says_may_hold_any_sign(self, owe, sender, out, monkeypatch):
        first, _second = owe("a@customer.test"), owe("b@customer.test")
        taken = type(out).send
        monkeypatch.setattr(out, "send", lambda mail: taken(out, mail) + " 100% %(name)s 'quoted' {gates} $1")
        sender.run()
        assert fresh(first).result == "250 taken 100% %(name)s 'quoted' {gates} $1"


class TestTheDailyCap:
    @pytest.fixture(autouse=True)
    def two_a_day(self, db):
        Program.current()
        Program.objects.update(mail_cap_a_day=2)

    def test_the_third_mail_of_a_day_waits_for_the_readers_next_morning(self, owe, sender, out, clock):
        clock.at = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)  # the 11th in Berlin
        ines = make_advocate("Ines").contact
        messages = [owe(ines) for _number in range(3)]
        assert sender.run() == {"sent": 2, "later": 1}
        last = fresh(messages[-1])
        assert last.status == "due"
        assert last.due_at == datetime(2026, 3, 12, 7, 0, tzinfo=UTC)
        clock.at = last.due_at
        assert sender.run() == {"sent": 1}

    def test_what_the_person_accepted_does_not_count(self, owe, sender, out):
        ines = make_advocate("Ines").contact
        for _number in range(4):
            owe(ines, purpose="", counts=False)
        owe(ines)
        assert sender.run() == {"sent": 5}

    def test_yesterday_does_not_count(self, owe, sender, out, clock):
        ines = make_advocate("Ines").contact
        for _number in range(2):
            owe(ines)
        sender.run()
        clock.forward(days=1)
        owe(ines)
        assert sender.run() == {"sent": 1}

    def test_zero_means_no_cap(self, owe, sender, out):
        Program.objects.update(mail_cap_a_day=0)
        ines = make_advocate("Ines").contact
        for _number in range(4):
            owe(ines)
        assert sender.run() == {"sent": 4}

    def test_another_sender_with_mail_for_the_same_person_in_hand_makes_it_count_again(self, owe, make_sender, out):
        ines = make_advocate("Ines").contact
        mine, first, second = owe(ines), owe(ines), owe(ines)
        one, other = make_sender(), make_sender()
        Message.objects.filter(pk__in=[first.pk, second.pk]).update(
            status="leased", leased_by=other.name, leased_until=NOON + timedelta(minutes=1)
        )
        (taken,) = one.take()

        counted = []
        still = one._still_under_cap

        def meanwhile(message, **more):
            # Between our statement and our counting, the other sender has let both of its mails out.
            Message.objects.filter(pk__in=[first.pk, second.pk]).update(status="sending", sending_since=NOON)
            counted.append(message.pk)
            return still(message, **more)

        one._still_under_cap = meanwhile
        one._one(taken, sending.rendering.render_many([taken])[taken.pk], Program.current())
        assert counted == [mine.pk]
        assert out.mails == []
        assert fresh(mine).status == "due"
        assert fresh(mine).due_at > NOON


class TestTrouble:
    def test_refused_for_now_is_tried_again_later_and_later(self, owe, sender, out, clock):
        message = owe("a@customer.test")
        out.says["a@customer.test"] = NotNow("451 greylisted")
        waits = []
        for _try in range(8):
            sender.run()
            message = fresh(message)
            if message.status == "failed":
                break
            waits.append(message.due_at - clock.at)
            clock.at = message.due_at
        assert waits == sorted(waits)
        assert waits[0] >= timedelta(minutes=1)
        assert message.status == "failed"
        assert "451 greylisted" in message.result
        assert out.mails == []

    def test_an_unknown_address_fails_and_is_not_written_to_again(self, owe, sender, out):
        message = owe("a@customer.test")
        out.says["a@customer.test"] = Never("550 5.1.1 no such user", bounced=True)
        sender.run()
        assert fresh(message).status == "failed"
        assert Suppression.objects.get().reason == "bounced"
        out.says.clear()
        owe("A@customer.test")
        assert sender.run() == {"suppressed": 1}

    def test_a_mail_that_would_say_nothing_to_its_reader_does_not_go(self, owe, sender, out, monkeypatch):
        message = owe("a@customer.test")
        nothing = sending.rendering.Withheld("Nothing on the board is open to this reader.")
        monkeypatch.setitem(sending.rendering._batch_renderers, message.template, lambda rows: {rows[0].pk: nothing})
        assert sender.run() == {"suppressed": 1}
        assert fresh(message).result == "Nothing on the board is open to this reader."
        assert out.mails == []

    def test_a_refusal_of_the_content_does_not_suppress_the_address(self, owe, sender, out):
        message = owe("a@customer.test")
        out.says["a@customer.test"] = Never("554 5.7.1 looks like spam")
        sender.run()
        assert fresh(message).status == "failed"
        assert not Suppression.objects.exists()

    def test_a_connection_lost_before_the_mail_was_taken_makes_it_due_again(self, owe, sender, out, clock):
        message = owe("a@customer.test")
        out.says["a@customer.test"] = NotTaken("gone")
        sender.run()
        assert fresh(message).status == "due"
        out.says.clear()
        clock.forward(minutes=1)
        assert sender.run() == {"sent": 1}

    def test_no_answer_after_the_mail_was_handed_over_is_in_doubt_and_never_sent_again(self, owe, sender, out, clock):
        message = owe("a@customer.test")
        out.says["a@customer.test"] = InDoubt("no answer")
        sender.run()
        assert fresh(message).status == "in_doubt"
        out.says.clear()
        clock.forward(days=1)
        assert sender.run() == {}
        assert out.mails == []

    def test_no_mail_server_leaves_everything_due(self, owe, sender, out):
        messages = [owe(f"p{number}@customer.test") for number in range(3)]

        def no_server():
            raise Unreachable("connection refused")

        out.open = no_server
        with pytest.raises(Unreachable):
            sender.run()
        assert {fresh(message).status for message in messages} == {"due"}
        assert {fresh(message).attempts for message in messages} == {0}

    def test_a_server_that_goes_away_in_the_middle_leaves_the_rest_due(self, owe, sender, out):
        messages = [owe(f"p{number}@customer.test") for number in range(4)]
        out.says["p1@customer.test"] = Unreachable("gone")
        with pytest.raises(Unreachable):
            sender.run()
        assert [fresh(message).status for message in messages] == ["sent", "due", "due", "due"]


class TestAKilledSender:
    def test_what_only_waited_goes_back_and_what_was_being_sent_is_in_doubt(self, owe, make_sender, out, clock):
        waiting, being_sent = owe("a@customer.test"), owe("b@customer.test")
        ends = NOON + timedelta(seconds=60)
        Message.objects.filter(pk=waiting.pk).update(status="leased", leased_until=ends, leased_by="dead")
        Message.objects.filter(pk=being_sent.pk).update(
            status="sending", leased_until=ends, leased_by="dead", sending_since=NOON
        )
        assert make_sender().run() == {}  # the lease still holds
        clock.forward(seconds=61)
        assert make_sender().run() == {"sent": 1}
        assert fresh(waiting).status == "sent"
        assert fresh(being_sent).status == "in_doubt"
        clock.forward(days=1)
        assert make_sender().run() == {}

    def test_a_slow_sender_that_does_live_puts_on_record_what_it_knows(self, owe, make_sender, out, clock):
        message = owe("a@customer.test")

        def slowly(_prepared):
            clock.forward(seconds=300)
            sending.return_expired(at=clock.at)
            assert fresh(message).status == "in_doubt"

        out.says["a@customer.test"] = slowly
        make_sender().run()
        assert fresh(message).status == "sent"

    def test_a_slow_share_is_renewed_so_that_nobody_sends_it_too(self, owe, make_sender, out, clock):
        for number in range(10):
            owe(f"p{number}@customer.test")
        other = make_sender()

        def slowly(_prepared):
            clock.forward(seconds=20)
            assert other.run() == {}

        for number in range(10):
            out.says[f"p{number}@customer.test"] = slowly
        make_sender().run()
        assert len(out.receivers) == 10

    def test_a_lease_that_another_sender_took_over_is_not_sent_by_the_first(self, owe, make_sender, out, clock):
        message = owe("a@customer.test")
        first, second = make_sender(), make_sender()
        (taken,) = first.take()
        clock.forward(seconds=61)
        second.run()
        assert first._mark_sending(taken, cap=0) is False
        first._not_let_out(taken, cap=0)
        assert len(out.mails) == 1
        assert fresh(message).status == "sent"


class TestManyNudges:
    """A large mailing and many nudges: one process sends, one successor waits, the rest is free for the clock."""

    @pytest.fixture
    def successors(self, monkeypatch, out):
        asked = []
        monkeypatch.setattr(tasks.send_due, "apply_async", lambda **_more: asked.append(1))
        monkeypatch.setattr(sending, "transport", lambda: out)
        return asked

    def test_while_one_sends_the_others_leave_it_to_that_one(self, owe, make_sender, out, successors):
        now = timezone.now()
        for number in range(6):
            owe(f"p{number}@customer.test", batch="edition:1")
        busy = make_sender(share=2, clock=lambda: now)
        busy.take()
        for _nudge in range(5):
            tasks.send_due()
        assert out.mails == []
        assert successors == []
        busy.release()
        tasks.send_due()
        assert len(out.mails) == 6

    def test_each_run_has_one_successor(self, owe, out, successors, monkeypatch):
        monkeypatch.setattr(sending.Sender, "run", lambda one, seconds: one.send_a_share())  # its time is up then
        for number in range(sending.FIRST_SHARE + 1):
            owe(f"p{number}@customer.test", batch="edition:1")
        tasks.send_due()
        assert len(out.mails) == sending.FIRST_SHARE
        assert successors == [1]
        tasks.send_due()
        assert successors == [1], "nothing is left to do"

    def test_a_killed_one_is_in_nobodys_way(self, owe, out, successors):
        waiting, on_its_way, due = (owe(f"p{number}@customer.test") for number in range(3))
        past = timezone.now() - timedelta(minutes=1)
        Message.objects.filter(pk=waiting.pk).update(status="leased", leased_until=past, leased_by="dead")
        Message.objects.filter(pk=on_its_way.pk).update(
            status="sending", leased_until=past + timedelta(minutes=3), leased_by="dead", sending_since=past
        )
        tasks.send_due()
        assert out.receivers == [waiting.to_email, due.to_email]

    def test_more_may_send_at_once_where_there_are_more_processes(self, owe, make_sender, out, successors, settings):
        settings.MAIL_SENDERS = 2
        now = timezone.now()
        for number in range(4):
            owe(f"p{number}@customer.test")
        make_sender(share=2, clock=lambda: now).take()
        tasks.send_due()
        assert len(out.mails) == 2

    def test_of_two_who_begin_at_once_one_gives_way(self, owe, make_sender, out, successors, monkeypatch):
        now = timezone.now()
        for number in range(4):
            owe(f"p{number}@customer.test")
        other = make_sender(share=1, clock=lambda: now)
        monkeypatch.setattr(out, "open", lambda: other.in_hand or setattr(other, "in_hand", other.take()))
        tasks.send_due()
        assert out.mails == []
