"""Conversations of the demo program: topics come a few a week, replies follow, somebody flags once in a while."""

import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from advocacy.lib.lifecycle import Refused
from community import actions
from community.models import Space, Topic

WORDS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "demo.toml").read_text(encoding="utf-8"))


def begin(world: Any) -> None:
    for order, space in enumerate(WORDS["space"], start=1):
        Space.objects.update_or_create(
            slug=space["slug"], defaults={**space, "order": order, "host": world.users["moderator"]}
        )
    topics = list(WORDS["topic"])
    days = (world.today - world.first_day).days
    world.kept["topics"] = {}
    for number, topic in enumerate(topics):
        # Most conversations are young: a place is judged by what is said now.
        back = int(days * (1 - (number + 1) / len(topics)) ** 1.6)
        day = world.today - timedelta(days=max(1, back))
        world.kept["topics"].setdefault(day, []).append(topic)
    world.kept["replies"] = {}


def day(world: Any, day: date) -> None:
    people = [advocate.user for advocate in world.kept["members"] if advocate.user]
    for words in world.kept["topics"].pop(day, []):
        if not people:
            continue
        author = world.rng.choice(people)
        topic = actions.start_topic(
            author,
            Space.objects.get(slug=words["space"]),
            type=words["type"],
            title=words["title"],
            body=words["body"],
            at=world.at(day),
        )
        for number, text in enumerate(words["replies"]):
            when = min(day + timedelta(days=world.rng.randint(0, 3) + number), world.today)
            world.kept["replies"].setdefault(when, []).append((topic.pk, text))
    for pk, text in world.kept["replies"].pop(day, []):
        topic = Topic.objects.get(pk=pk)
        others = [user for user in people if user.pk != topic.author_id] or people
        author = world.users["moderator"] if "product team" in text else world.rng.choice(others)
        try:
            answer = actions.reply(author, topic, body=text, at=max(world.at(day), topic.last_at))
        except Refused:
            continue
        for user in world.rng.sample(people, min(len(people), world.rng.randint(0, 4))):
            if user.pk != author.pk:
                actions.toggle_thanks(user, answer)
        if topic.type == Topic.Type.QUESTION and topic.accepted_id is None and world.chance(0.5):
            actions.accept(topic, answer, by=topic.author, at=world.at(day, 18))


def end(world: Any) -> None:
    people = [advocate.user for advocate in world.kept["members"] if advocate.user]
    if len(people) < 2:
        return
    topic = Topic.objects.order_by("-last_at").first()
    if topic is not None:
        poster = people[-1]
        spam = actions.reply(
            poster, topic, body="Our consultancy can do this for you, write to me for a quote.", at=world.now
        )
        actions.flag(spam, by=people[0], reason="This sells something.", at=world.now)
