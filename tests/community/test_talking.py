"""Members post and reply; what is new is exact; moderators keep the place good (C2, C10)."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse

from advocacy.crm.catalogue import Deed
from advocacy.crm.models import Activity, Signal
from advocacy.delivery.models import Notification
from advocacy.lib.lifecycle import Refused
from advocacy.lib.text import markdown
from advocacy.users.models import Role, User
from advocates.models import Advocate
from community import actions
from community.models import Flag, ModerationEntry, Reply, Space, Topic
from tests.factories import NOON, make_advocate, make_user

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def space() -> Space:
    return Space.objects.create(slug="rollouts", name="Rollouts", purpose="From the first site to the fortieth.")


def member(name: str = "Ines") -> User:
    user = make_advocate(name).user
    assert user is not None
    User.objects.filter(pk=user.pk).update(date_joined=NOON - timedelta(days=30))
    return User.objects.get(pk=user.pk)


def moderator() -> User:
    return make_user("Maya", Role.MODERATOR, date_joined=NOON - timedelta(days=30))


def topic_of(author: User, space: Space, **more: Any) -> Topic:
    more = {"title": "Thirty-eight sites", "body": "We wanted **ten**.", "at": NOON, **more}
    return actions.start_topic(author, space, **more)


def unread_of(user: User) -> list[str]:
    return sorted(Topic.objects.visible_to(user).shown().unread_by(user).values_list("title", flat=True))


class TestTheFirstWords:
    def test_are_the_signal_that_somebody_joined_the_community_once_and_colleagues_do_not_count(
        self, space: Space
    ) -> None:
        ines = member()
        topic = topic_of(ines, space)
        actions.reply(ines, topic, body="More of it.", at=NOON + MINUTE)
        actions.reply(moderator(), topic, body="Welcome!", at=NOON + 2 * MINUTE)
        signal = Signal.objects.get()
        assert (signal.kind, signal.occurrence, signal.occurred_at) == ("joined_program", "community", NOON)
        assert signal.contact == Advocate.objects.get(user=ines).contact


class TestStartingATopic:
    def test_shows_sanitised_markdown_and_counts_as_a_deed(self, space: Space) -> None:
        ines = member()
        topic = topic_of(ines, space, body="**ten** <script>alert(1)</script>")
        assert "<strong>ten</strong>" in topic.html
        assert "<script" not in topic.html
        deed = Activity.objects.get(deed=Deed.POSTED)
        assert deed.contact == ines.advocate.contact
        assert Advocate.objects.get(user=ines).stage == Advocate.Stage.SOCIALIZER

    def test_a_second_click_is_the_same_topic(self, space: Space) -> None:
        ines = member()
        key = uuid4()
        assert topic_of(ines, space, key=key) == topic_of(ines, space, key=key, at=NOON + timedelta(seconds=2))
        assert Topic.objects.count() == 1

    def test_a_colleague_s_post_is_no_deed_of_advocacy(self, space: Space) -> None:
        topic_of(make_user("Sam", Role.REQUESTER), space)
        assert not Activity.objects.exists()

    def test_announcements_come_from_moderators(self, space: Space) -> None:
        with pytest.raises(Refused, match="Announcements"):
            topic_of(member(), space, type="announcement")
        assert topic_of(moderator(), space, type="announcement").type == "announcement"

    def test_nothing_typed_is_lost_on_a_wrong_form(self, client: Client, space: Space) -> None:
        client.force_login(member())
        answer = client.post(
            reverse("community:new_topic"),
            {"space": space.pk, "type": "discussion", "title": "", "body": "My long text"},
        )
        assert answer.status_code == 422
        assert "Give it a title" in answer.content.decode()
        assert "My long text" in answer.content.decode()

    def test_preview_needs_no_script_and_posts_nothing(self, client: Client, space: Space) -> None:
        client.force_login(member())
        answer = client.post(
            reverse("community:new_topic"),
            {"space": space.pk, "type": "discussion", "title": "T", "body": "**bold**", "preview": "1"},
        )
        assert "<strong>bold</strong>" in answer.content.decode()
        assert not Topic.objects.exists()


class TestNewcomers:
    def test_may_write_two_links_in_their_first_days(self, space: Space) -> None:
        mei = member("Mei")
        User.objects.filter(pk=mei.pk).update(date_joined=NOON - timedelta(hours=1))
        mei.refresh_from_db()
        with pytest.raises(Refused, match="two links"):
            topic_of(mei, space, body="https://a.test https://b.test https://c.test")
        topic_of(mei, space, body="https://a.test https://b.test")

    def test_cannot_put_more_in_by_changing_a_post(self, space: Space) -> None:
        mei = member("Mei")
        User.objects.filter(pk=mei.pk).update(date_joined=NOON - timedelta(hours=1))
        mei.refresh_from_db()
        topic = topic_of(mei, space)
        with pytest.raises(Refused, match="two links"):
            actions.edit(topic, by=mei, body="https://a.test https://b.test https://c.test", at=NOON + MINUTE)
        actions.edit(topic, by=mei, body="https://a.test https://b.test", at=NOON + MINUTE)

    def test_post_five_times_an_hour_and_then_wait(self, space: Space) -> None:
        mei = member("Mei")
        User.objects.filter(pk=mei.pk).update(date_joined=NOON - timedelta(hours=1))
        mei.refresh_from_db()
        for number in range(5):
            topic_of(mei, space, title=f"T {number}")
        with pytest.raises(Refused, match="a little later"):
            topic_of(mei, space, title="T 6")
        topic_of(mei, space, title="T 6", at=NOON + timedelta(minutes=61))

    def test_what_was_refused_is_still_in_the_form(self, client: Client, space: Space) -> None:
        mei = member("Mei")
        client.force_login(mei)
        topic = topic_of(mei, space)
        with time_machine.travel(NOON - timedelta(days=29), tick=False):
            answer = client.post(
                reverse("community:reply", args=[topic.public_id]),
                {"body": "https://a.test https://b.test https://c.test kept"},
            )
        assert answer.status_code == 409
        assert "kept" in answer.content.decode()


class TestReplying:
    def test_moves_the_topic_up_counts_and_tells_those_who_take_part(self, space: Space) -> None:
        ines, omar, mei = member("Ines"), member("Omar"), member("Mei")
        topic = topic_of(ines, space)
        actions.reply(omar, topic, body="Brave.", at=NOON + MINUTE)
        actions.reply(mei, topic, body="Did it work?", at=NOON + 2 * MINUTE)
        topic.refresh_from_db()
        assert (topic.number_of_replies, topic.last_at) == (2, NOON + 2 * MINUTE)
        told = sorted(Notification.objects.values_list("user__name", flat=True))
        assert told == sorted([ines.name, ines.name, omar.name])

    def test_a_second_click_is_the_same_reply(self, space: Space) -> None:
        ines, omar = member("Ines"), member("Omar")
        topic = topic_of(ines, space)
        key = uuid4()
        first = actions.reply(omar, topic, body="Brave.", key=key, at=NOON + MINUTE)
        assert actions.reply(omar, topic, body="Brave.", key=key, at=NOON + MINUTE) == first
        topic.refresh_from_db()
        assert topic.number_of_replies == 1

    def test_a_closed_topic_says_so(self, space: Space) -> None:
        ines, maya = member("Ines"), moderator()
        topic = topic_of(ines, space)
        actions.set_locked(topic, True, by=maya, at=NOON)
        with pytest.raises(Refused, match="closed for replies"):
            actions.reply(ines, topic, body="One more thing", at=NOON + MINUTE)


class TestUnreadIsExact:
    def test_from_new_topic_to_read_to_new_reply_to_read(self, client: Client, space: Space) -> None:
        ines, omar = member("Ines"), member("Omar")
        topic = topic_of(ines, space)
        assert (unread_of(omar), unread_of(ines)) == (["Thirty-eight sites"], [])
        client.force_login(omar)
        client.get(reverse("community:topic", args=[topic.public_id]))
        assert unread_of(omar) == []
        actions.reply(ines, topic, body="An update", at=NOON + MINUTE)
        assert (unread_of(omar), unread_of(ines)) == (["Thirty-eight sites"], [])
        actions.reply(omar, topic, body="Nice", at=NOON + 2 * MINUTE)
        assert unread_of(omar) == ["Thirty-eight sites"], "writing without reading leaves what is between unread"
        assert unread_of(ines) == ["Thirty-eight sites"]

    def test_a_page_at_the_end_leaves_what_was_skipped_unread(self, client: Client, space: Space) -> None:
        ines, omar = member("Ines"), member("Omar")
        topic = topic_of(ines, space)
        Reply.objects.bulk_create(
            Reply(topic=topic, author=omar, body=f"R {n}", html=f"<p>R {n}</p>", at=NOON) for n in range(100)
        )
        last = Reply.objects.latest("pk").pk
        Topic.objects.update(number_of_replies=100, last_reply=last, last_at=NOON)
        page = reverse("community:topic", args=[topic.public_id])
        client.force_login(ines)
        client.get(page)
        with time_machine.travel(NOON + MINUTE, tick=False):
            client.post(reverse("community:reply", args=[topic.public_id]), {"body": "Me too"}, follow=True)
        assert Topic.objects.with_unread(ines).get().unread == 70  # type: ignore[attr-defined]
        mei = member("Mei")
        client.force_login(mei)
        client.get(f"{page}?go=last")
        assert unread_of(mei) == [topic.title]
        for _page in range(4):
            client.get(f"{page}?go=new")
        assert unread_of(mei) == []

    def test_what_one_declared_read_is_not_skipped(self, client: Client, space: Space) -> None:
        ines, omar = member("Ines"), member("Omar")
        topic = topic_of(ines, space)
        Reply.objects.bulk_create(
            Reply(topic=topic, author=ines, body=f"R {n}", html=f"<p>R {n}</p>", at=NOON - timedelta(hours=2))
            for n in range(40)
        )
        actions.read_everything(omar, at=NOON + MINUTE)
        actions.reply(ines, topic, body="More", at=NOON + 2 * MINUTE)
        client.force_login(omar)
        client.get(reverse("community:topic", args=[topic.public_id]) + "?go=last")
        assert unread_of(omar) == []

    def test_all_at_once_when_one_says_so(self, space: Space) -> None:
        ines, omar = member("Ines"), member("Omar")
        topic = topic_of(ines, space)
        actions.read_everything(omar, at=NOON + MINUTE)
        assert unread_of(omar) == []
        actions.reply(ines, topic, body="More", at=NOON + 2 * MINUTE)
        assert unread_of(omar) == ["Thirty-eight sites"]

    def test_who_follows_no_more_is_told_no_more(self, space: Space) -> None:
        ines, omar = member("Ines"), member("Omar")
        topic = topic_of(ines, space)
        actions.follow(ines, topic, follows=False, at=NOON)
        actions.reply(omar, topic, body="Brave.", at=NOON + MINUTE)
        assert not Notification.objects.filter(user=ines).exists()

    def test_what_was_before_one_came_is_not_new(self, space: Space) -> None:
        topic_of(member("Ines"), space, at=NOON - timedelta(days=60))
        assert unread_of(member("Omar")) == []

    def test_a_hidden_reply_is_no_news(self, client: Client, space: Space) -> None:
        ines, omar, maya = member("Ines"), member("Omar"), moderator()
        topic = topic_of(ines, space)
        actions.mark_read(omar, topic, up_to=0, at=NOON)
        spam = actions.reply(ines, topic, body="Buy now", at=NOON + MINUTE)
        actions.hide(spam, by=maya, reason="No selling.", at=NOON + 2 * MINUTE)
        assert unread_of(omar) == []


class TestModeration:
    def test_a_flag_is_looked_at_and_the_author_reads_why(self, client: Client, space: Space) -> None:
        ines, omar, maya = member("Ines"), member("Omar"), moderator()
        topic = topic_of(ines, space)
        spam = actions.reply(omar, topic, body="Buy now", at=NOON + MINUTE)
        client.force_login(ines)
        client.post(reverse("community:flag", args=["reply", spam.pk]), {"reason": "This sells something."})
        client.post(reverse("community:flag", args=["reply", spam.pk]), {"reason": "Again."})
        assert Flag.objects.get().decision == Flag.Decision.OPEN
        client.force_login(maya)
        assert "This sells something." in client.get(reverse("community:moderation")).content.decode()
        client.post(
            reverse("community:decide", args=["reply", spam.pk, "hide"]),
            {"reason": "No selling.", "back": "moderation"},
        )
        flag = Flag.objects.get()
        assert (flag.decision, flag.decided_by) == (Flag.Decision.HIDDEN, maya)
        assert ModerationEntry.objects.get().reason == "No selling."
        assert "No selling." in Notification.objects.get(user=omar, kind="community.hidden").text
        client.force_login(ines)
        assert "Buy now" not in client.get(reverse("community:topic", args=[topic.public_id])).content.decode()
        assert client.get(reverse("community:search") + "?q=Buy").content.decode().count("Buy now") == 0
        client.force_login(omar)
        seen_by_author = client.get(reverse("community:topic", args=[topic.public_id])).content.decode()
        assert "Buy now" in seen_by_author
        assert "No selling." in seen_by_author
        actions.show_again(spam, by=maya, at=NOON)
        client.force_login(ines)
        assert "Buy now" in client.get(reverse("community:topic", args=[topic.public_id])).content.decode()

    def test_a_hidden_topic_is_gone_for_others(self, client: Client, space: Space) -> None:
        ines, omar, maya = member("Ines"), member("Omar"), moderator()
        topic = topic_of(ines, space)
        actions.hide(topic, by=maya, reason="Off the mark.", at=NOON)
        client.force_login(omar)
        assert client.get(reverse("community:topic", args=[topic.public_id])).status_code == 404
        assert client.post(reverse("community:reply", args=[topic.public_id]), {"body": "x"}).status_code == 404

    def test_what_was_said_in_a_hidden_topic_is_gone_with_it(self, client: Client, space: Space) -> None:
        ines, omar, mei, maya = member("Ines"), member("Omar"), member("Mei"), moderator()
        question = topic_of(ines, space, type="question")
        answer = actions.reply(omar, question, body="Words nobody should read", at=NOON + MINUTE)
        actions.hide(question, by=maya, reason="Off the mark.", at=NOON + 2 * MINUTE)
        client.force_login(mei)
        for name in ("flag", "edit"):
            assert client.get(reverse(f"community:{name}", args=["reply", answer.pk])).status_code == 404
        assert client.post(reverse("community:thanks", args=["reply", answer.pk])).status_code == 404
        assert client.post(reverse("community:accept", args=[answer.pk])).status_code == 404
        assert list(Reply.objects.visible_to(ines)) == [answer], "who began the topic still sees it"
        assert list(Reply.objects.visible_to(maya)) == [answer]

    def test_what_was_kept_can_be_flagged_anew(self, space: Space) -> None:
        ines, omar, maya = member("Ines"), member("Omar"), moderator()
        topic = topic_of(ines, space)
        actions.flag(topic, by=omar, reason="Selling?", at=NOON)
        actions.keep(topic, by=maya, at=NOON + MINUTE)
        actions.edit(topic, by=ines, body="Buy now", at=NOON + 2 * MINUTE)
        actions.flag(topic, by=omar, reason="Now it does.", at=NOON + 3 * MINUTE)
        flag = Flag.objects.get()
        assert (flag.decision, flag.reason, flag.decided_by) == (Flag.Decision.OPEN, "Now it does.", None)
        assert ModerationEntry.objects.get().act == ModerationEntry.Act.KEPT, "what was decided stays on record"

    def test_members_cannot_do_it_themselves(self, client: Client, space: Space) -> None:
        ines, omar = member("Ines"), member("Omar")
        topic = topic_of(ines, space)
        client.force_login(omar)
        assert (
            client.post(reverse("community:decide", args=["topic", topic.pk, "hide"]), {"reason": "x"}).status_code
            == 403
        )
        with pytest.raises(Refused):
            actions.hide(topic, by=omar, reason="x", at=NOON)

    def test_hiding_needs_a_reason(self, space: Space) -> None:
        topic = topic_of(member(), space)
        with pytest.raises(Refused, match="reason"):
            actions.hide(topic, by=moderator(), reason=" ", at=NOON)


class TestOwnWords:
    def test_can_be_changed_for_a_day_by_their_author_only(self, space: Space) -> None:
        ines, omar = member("Ines"), member("Omar")
        topic = topic_of(ines, space)
        actions.edit(topic, by=ines, body="Twelve.", title="Forty sites", at=NOON + timedelta(hours=23))
        topic.refresh_from_db()
        assert (topic.title, topic.html.strip()) == ("Forty sites", "<p>Twelve.</p>")
        with pytest.raises(Refused, match="Only the person"):
            actions.edit(topic, by=omar, body="Mine.", at=NOON)
        with pytest.raises(Refused, match="for a day"):
            actions.edit(topic, by=ines, body="Late.", at=NOON + timedelta(hours=25))

    def test_thanks_come_from_others_and_can_be_taken_back(self, space: Space) -> None:
        ines, omar = member("Ines"), member("Omar")
        topic = topic_of(ines, space)
        assert actions.toggle_thanks(omar, topic)
        assert not actions.toggle_thanks(omar, topic)
        with pytest.raises(Refused):
            actions.toggle_thanks(ines, topic)

    def test_only_who_asked_accepts_an_answer(self, space: Space) -> None:
        ines, omar = member("Ines"), member("Omar")
        question = topic_of(ines, space, type="question")
        answer = actions.reply(omar, question, body="By shelf.", at=NOON + MINUTE)
        with pytest.raises(Refused, match="Only the person who asked"):
            actions.accept(question, answer, by=omar, at=NOON)
        actions.accept(question, answer, by=ines, at=NOON)
        question.refresh_from_db()
        assert question.accepted == answer
        assert Notification.objects.filter(user=omar, kind="community.accepted").exists()


class TestTheListsStayCheap:
    def many(self, space: Space, author: User, count: int) -> None:
        Topic.objects.bulk_create(
            Topic(space=space, author=author, title=f"T {n}", body="x", html="<p>x</p>", last_at=NOON + n * MINUTE)
            for n in range(count)
        )

    @pytest.mark.parametrize("page", ["community:spaces", "space"])
    def test_as_many_queries_for_two_topics_as_for_two_hundred(
        self, client: Client, space: Space, queries_of: Any, page: str
    ) -> None:
        ines, omar = member("Ines"), member("Omar")
        client.force_login(omar)
        address = reverse("community:space", args=[space.slug]) if page == "space" else reverse(page)
        visit = partial(client.get, address)
        self.many(space, ines, 2)
        visit()
        few = queries_of(visit)
        self.many(space, ines, 200)
        assert queries_of(visit) == few

    def test_the_last_page_of_ten_thousand_replies_reads_one_page(
        self, client: Client, space: Space, queries_of: Any
    ) -> None:
        ines, omar = member("Ines"), member("Omar")
        topic = topic_of(ines, space)
        Reply.objects.bulk_create(
            (Reply(topic=topic, author=ines, body=f"R {n}", html=markdown(f"R {n}"), at=NOON) for n in range(10_000)),
            batch_size=2000,
        )
        Topic.objects.update(number_of_replies=10_000, last_reply=Reply.objects.latest("pk").pk)
        client.force_login(omar)
        text = client.get(reverse("community:topic", args=[topic.public_id]) + "?go=last").content.decode()
        assert "R 9999" in text
        assert text.count('class="sheet post') == 30
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE community_reply")
            cursor.execute(
                "EXPLAIN SELECT id FROM community_reply WHERE topic_id = %s AND id < %s ORDER BY id DESC LIMIT 31",
                [topic.pk, 2**40],
            )
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "Index" in plan
        assert "Seq Scan" not in plan


class TestSearching:
    @pytest.mark.parametrize(
        "words",
        ["season", "seasons", "dishwash", "the dishwashers", "companies", "company", "omar", "dishwasher company"],
    )
    def test_finds_other_forms_beginnings_and_who_wrote_it(self, client: Client, space: Space, words: str) -> None:
        omar = member("Omar")
        topic_of(omar, space, title="Two seasons", body="A dishwasher in every company.")
        topic_of(member("Mei"), space, title="Something else", body="Entirely.")
        client.force_login(member("Ines"))
        page = client.get(reverse("community:search"), {"q": words}).content.decode()
        assert "Two seasons" in page
        assert "Something else" not in page

    def test_what_is_not_found_can_be_asked_in_the_same_words(self, client: Client, space: Space) -> None:
        client.force_login(member())
        page = client.get(reverse("community:search"), {"q": "cold & wet"}).content.decode()
        address = reverse("community:new_topic") + "?type=question&amp;title=cold+%26+wet"
        assert address in page
        form = client.get(address.replace("&amp;", "&")).content.decode()
        assert 'value="cold &amp; wet"' in form
        assert 'value="question" selected' in form


class TestTheListOfTopics:
    def test_says_who_replied_last_and_when(self, client: Client, space: Space) -> None:
        ines, omar = member("Ines"), member("Omar")
        topic = topic_of(ines, space)
        actions.reply(omar, topic, body="Brave.", at=NOON + 3 * MINUTE)
        client.force_login(ines)
        with time_machine.travel(NOON + 60 * MINUTE, tick=False):
            page = client.get(reverse("community:spaces")).content.decode()
        assert f"last reply by {omar.name}, 57\xa0minutes ago" in page

    def test_after_the_first_reply_there_are_no_later_ones(self, client: Client, space: Space) -> None:
        ines = member()
        topic = topic_of(ines, space)
        client.force_login(ines)
        with time_machine.travel(NOON + MINUTE, tick=False):
            page = client.post(reverse("community:reply", args=[topic.public_id]), {"body": "First."}, follow=True)
        assert "First." in page.content.decode()
        assert "Later replies" not in page.content.decode()
