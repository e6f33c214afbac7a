"""The outbox for people: what waits for them, settling it, looking at a mail; and news for those who sign in."""

import re
from datetime import timedelta
from functools import partial

import pytest
from django.test import Client
from django.urls import reverse

from advocacy.delivery import jobs, rendering
from advocacy.delivery.models import Message, Notification
from advocacy.delivery.notifications import notify
from advocacy.users.models import Role
from advocates.actions import invite
from advocates.models import InvitationTemplate
from tests.factories import NOON, make_advocate, make_contact, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def lena(client):
    user = make_user("Lena", Role.LEAD)
    client.force_login(user)
    return user


@pytest.fixture
def doubtful(owe):
    message = owe(make_advocate("Ines").contact)
    Message.objects.filter(pk=message.pk).update(status="in_doubt", sending_since=NOON, attempts=1, leased_by="dead")
    return Message.objects.get(pk=message.pk)


def settle(client, message, what, **more):
    return client.post(reverse("delivery:settle", args=[message.public_id, what]), **more)


class TestSettling:
    def test_what_is_in_doubt_stands_on_top_with_its_choices(self, client, lena, doubtful):
        page = client.get(reverse("delivery:outbox")).content.decode()
        assert doubtful.to_name in page
        for what in ("sent", "again", "cancel"):
            assert reverse("delivery:settle", args=[doubtful.public_id, what]) in page

    def test_it_has_gone(self, client, lena, doubtful):
        settle(client, doubtful, "sent")
        doubtful.refresh_from_db()
        assert (doubtful.status, doubtful.sent_at) == ("sent", NOON)
        assert "Lena" in doubtful.result

    def test_send_it_again_with_the_same_message_id(self, client, lena, doubtful, sender, out, clock):
        settle(client, doubtful, "again")
        clock.at = Message.objects.get(pk=doubtful.pk).due_at
        assert sender.run() == {"sent": 1}
        assert out.mails[0]["Message-ID"] == doubtful.message_id

    def test_cancel_it(self, client, lena, doubtful, sender):
        settle(client, doubtful, "cancel")
        assert Message.objects.get(pk=doubtful.pk).status == "cancelled"
        assert sender.run() == {}

    def test_twice_is_refused_with_a_sentence(self, client, lena, doubtful):
        settle(client, doubtful, "cancel")
        answer = settle(client, doubtful, "again")
        assert answer.status_code == 409
        assert b"nothing to settle" in answer.content

    def test_a_failed_one_can_be_sent_again_but_has_not_gone(self, client, lena, doubtful):
        Message.objects.filter(pk=doubtful.pk).update(status="failed")
        assert settle(client, doubtful, "sent").status_code == 409
        assert settle(client, doubtful, "again").status_code == 302
        assert Message.objects.get(pk=doubtful.pk).status == "due"

    def test_only_who_may_settle(self, client, doubtful):
        client.force_login(make_user("Rita", Role.MANAGER))
        assert settle(client, doubtful, "sent").status_code == 403
        assert "settle" not in client.get(reverse("delivery:outbox")).content.decode().replace("unsettled", "")

    def test_to_htmx_the_part_that_changed(self, client, lena, doubtful):
        answer = settle(client, doubtful, "cancel", headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert b"<html" not in answer.content
        assert b"cancelled" in answer.content


class TestSettlingMany:
    @pytest.fixture
    def three(self, owe):
        made = [owe(f"p{number}@customer.test") for number in range(3)]
        Message.objects.update(status="in_doubt", sending_since=NOON)
        return made

    def settle_many(self, client, **what):
        return client.post(reverse("delivery:settle_many"), what, follow=True)

    def test_those_chosen_and_no_others(self, client, lena, three):
        page = client.get(reverse("delivery:outbox")).content.decode()
        assert all(f'value="{message.pk}" form="settle-many"' in page for message in three)
        answer = self.settle_many(client, what="sent", message=[three[0].pk, three[1].pk, "²", "9" * 40])
        assert b"2 mails settled." in answer.content
        assert [Message.objects.get(pk=one.pk).status for one in three] == ["sent", "sent", "in_doubt"]

    def test_all_of_them(self, client, lena, three):
        self.settle_many(client, what="cancel", which="all")
        assert set(Message.objects.values_list("status", flat=True)) == {"cancelled"}

    def test_none_chosen_says_so(self, client, lena, three):
        assert b"Choose the mails first" in self.settle_many(client, what="sent").content
        assert Message.objects.in_doubt().count() == 3

    def test_only_who_may_settle(self, client, three):
        client.force_login(make_user("Rita", Role.MANAGER))
        assert self.settle_many(client, what="sent", which="all").status_code == 403


class TestLooking:
    def test_costs_the_same_for_many(self, client, lena, owe, queries_of):
        visit = partial(client.get, reverse("delivery:outbox"))
        for number in range(2):
            owe(make_advocate(f"Ines{number}", consents=()).contact, purpose="")
        Message.objects.update(status="in_doubt", sending_since=NOON)
        few = queries_of(visit)
        for number in range(40):
            owe(make_advocate(f"Omar{number}", consents=()).contact, purpose="")
        Message.objects.update(status="in_doubt", sending_since=NOON)
        assert queries_of(visit) == few

    def test_filters_and_search(self, client, lena, owe):
        owe("first@customer.test")
        owe("second@customer.test")
        Message.objects.filter(to_email="second@customer.test").update(status="failed")
        url = reverse("delivery:outbox")
        assert b"first@" not in client.get(url, {"status": "failed"}).content
        assert b"second@" in client.get(url, {"status": "failed"}).content
        assert b"second@" not in client.get(url, {"q": "FIRST@"}).content
        assert client.get(url, {"q": "a\x00b", "status": "nonsense", "after": "x"}).status_code == 200

    def test_the_frame_runs_nothing_and_has_no_style_of_its_own(self, client, lena):
        from advocacy.delivery import outbox

        message = outbox.owe("x", to="a@x.test", template="account/password_reset", dedupe_key="1", at=NOON,
                             params={"password_reset_url": "/x/"})  # fmt: skip
        url = reverse("delivery:preview", args=[message.public_id])
        answer = client.get(url)
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "frame-ancestors 'self'" in policy
        assert answer["X-Frame-Options"] == "SAMEORIGIN"
        words = answer.content.decode()
        assert not re.search(r"<style|\sstyle=|<script", words)
        assert "Choose a new password" in words
        (sheet,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', words)
        style = client.get(sheet.replace("&amp;", "&"))
        assert style["Content-Type"].startswith("text/css")
        assert "#0f5c5c" in style.content.decode()
        assert "font-size:27px" in style.content.decode()

    def test_other_pages_cannot_be_framed(self, client, lena):
        assert client.get(reverse("delivery:outbox"))["X-Frame-Options"] == "DENY"

    def test_a_secret_is_not_shown(self, client, lena):
        from advocacy.delivery import outbox

        message = outbox.owe("sign_in_login_code", to="a@x.test", template="account/login_code", dedupe_key="1",
                             at=NOON, secret={"code": "SECRET-481516"})  # fmt: skip
        assert b"481516" not in client.get(reverse("delivery:preview", args=[message.public_id])).content
        assert b"481516" not in client.get(reverse("delivery:message", args=[message.public_id])).content

    def test_a_preview_hands_out_none_of_its_readers_keys(self, client, lena):
        """An invitation looked at by Lena cannot be accepted by her in Mei's name, nor can Mei's mail be ended."""
        mei = make_contact("Mei")
        InvitationTemplate.objects.get_or_create(
            region="", language="en", defaults={"subject": "Join us", "body": "Hello", "basis": "A customer."}
        )
        invite(mei, at=NOON)
        message = Message.objects.get(template="advocates/invitation")
        shown = client.get(reverse("delivery:preview", args=[message.public_id])).content.decode()
        assert "/invitation/only-shown/" in shown
        (sent,) = rendering.render_many([message]).values()
        keys = set(re.findall(r"/(?:invitation|unsubscribe)/([^/\"\s]+)/", sent.html))
        assert keys and not any(key in shown for key in keys)
        page = Client().get("/invitation/only-shown/")
        assert page.status_code >= 400 and "in a preview" in page.content.decode()

    def test_every_template_has_a_preview(self, client, lena):
        page = client.get(reverse("delivery:templates")).content.decode()
        assert "Sign-in: the code" in page
        assert client.get(reverse("delivery:template"), {"template": "account/login_code"}).status_code == 200
        assert client.get(reverse("delivery:template"), {"template": "../../settings"}).status_code == 404

    def test_a_message_that_cannot_be_rendered_does_not_break_its_page(self, client, lena, owe):
        message = owe("a@customer.test", params={"poison": 1})
        assert client.get(reverse("delivery:message", args=[message.public_id])).status_code == 200
        assert b"cannot be shown: poison" in client.get(reverse("delivery:preview", args=[message.public_id])).content

    def test_who_may_not_see_the_outbox_does_not(self, client, doubtful):
        client.force_login(make_user("Sam", Role.REQUESTER))
        for url in (reverse("delivery:outbox"), reverse("delivery:message", args=[doubtful.public_id])):
            assert client.get(url).status_code == 403


class TestNews:
    def test_the_same_news_appears_once(self):
        ines = make_advocate("Ines").user
        for _time in range(2):
            notify(ines, "nomination", key="1", text="Sam asks for a call.", url="/x/", at=NOON)
        assert Notification.objects.count() == 1

    def test_one_sees_ones_own_and_can_mark_them_read(self, client):
        ines, omar = make_advocate("Ines").user, make_advocate("Omar").user
        notify(ines, "a", key="1", text="For Ines.", at=NOON)
        notify(omar, "a", key="1", text="For Omar.", at=NOON)
        client.force_login(ines)
        page = client.get(reverse("delivery:notifications")).content.decode()
        assert "For Ines." in page
        assert "For Omar." not in page
        client.post(reverse("delivery:read_all"))
        assert Notification.objects.get(user=ines).read_at
        assert not Notification.objects.get(user=omar).read_at

    def test_following_one_marks_it_read_and_leads_inside_the_portal_only(self, client):
        ines = make_advocate("Ines").user
        notify(ines, "a", key="1", text="In.", url="/mail/notifications/?x=1", at=NOON)
        notify(ines, "a", key="2", text="Out.", url="https://evil.test/", at=NOON)
        client.force_login(ines)
        inside, outside = Notification.objects.order_by("pk")
        assert client.post(reverse("delivery:follow", args=[inside.pk]))["Location"] == "/mail/notifications/?x=1"
        assert client.post(reverse("delivery:follow", args=[outside.pk]))["Location"] == "/mail/notifications/"
        assert Notification.objects.filter(read_at__isnull=True).count() == 0

    def test_going_where_one_leads_marks_it_read(self, client):
        ines, omar = make_advocate("Ines").user, make_advocate("Omar").user
        for user in (ines, omar):
            notify(user, "a", key="1", text="Look.", url="/community/?go=new", at=NOON)
            notify(user, "a", key="2", text="Elsewhere.", url="/community/search/", at=NOON)
        client.force_login(ines)
        client.get("/community/")
        assert list(Notification.objects.filter(read_at__isnull=False).values_list("user", "key")) == [(ines.pk, "1")]

    def test_what_nobody_opened_for_two_months_is_no_news(self):
        ines = make_advocate("Ines").user
        notify(ines, "a", key="1", text="Old.", at=NOON - timedelta(days=61))
        notify(ines, "a", key="2", text="Young.", at=NOON - timedelta(days=59))
        jobs.read_old_news(at=NOON)
        assert Notification.objects.get(read_at__isnull=True).text == "Young."

    def test_nobody_follows_somebody_elses(self, client):
        notify(make_advocate("Ines").user, "a", key="1", text="For Ines.", at=NOON)
        client.force_login(make_advocate("Omar").user)
        assert client.post(reverse("delivery:follow", args=[Notification.objects.get().pk])).status_code == 404

    def test_costs_the_same_for_many(self, client, queries_of):
        ines = make_advocate("Ines").user
        client.force_login(ines)
        visit = partial(client.get, reverse("delivery:notifications"))
        for number in range(2):
            notify(ines, "a", key=str(number), text="News.", at=NOON)
        few = queries_of(visit)
        for number in range(200):
            notify(ines, "a", key=f"n{number}", text="News.", at=NOON)
        assert queries_of(visit) == few
