"""Calendar files (iCalendar, iTIP): one appointment, which a later file with a higher sequence moves or cancels."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

from icalendar import Alarm, Calendar, Event, vCalAddress, vText

Person = str | tuple[str, str]
"""An e-mail address, or a name and an address."""


def invite(
    *,
    uid: str,
    sequence: int,
    starts_at: datetime,
    minutes: int,
    summary: str,
    description: str = "",
    organizer: Person = "",
    attendees: Iterable[Person] = (),
    method: Literal["REQUEST", "CANCEL", "PUBLISH"] = "REQUEST",
    location: str = "",
    url: str = "",
    stamped_at: datetime | None = None,
    remind_minutes: int = 15,
) -> bytes:
    """The file for one appointment. The same ``uid`` with a higher ``sequence`` replaces it in every calendar.

    ``method`` is PUBLISH for a file that somebody downloads for themselves: it asks for no answer.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Customer advocacy portal//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    event = Event()
    event.add("uid", uid)
    event.add("sequence", sequence)
    event.add("dtstamp", (stamped_at or datetime.now(tz=UTC)).astimezone(UTC))
    # Instants, in UTC: each calendar shows them on its owner's clock.
    event.add("dtstart", starts_at.astimezone(UTC))
    event.add("dtend", starts_at.astimezone(UTC) + timedelta(minutes=minutes))
    event.add("summary", _plain(summary))
    if description:
        event.add("description", description)
    if location:
        event.add("location", location)
    if url:
        event.add("url", url)
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    if organizer:
        event.add("organizer", _address(organizer))
    for attendee in attendees:
        address = _address(attendee)
        address.params["role"] = vText("REQ-PARTICIPANT")
        if method == "REQUEST":
            address.params["partstat"] = vText("NEEDS-ACTION")
            address.params["rsvp"] = vText("TRUE")
        event.add("attendee", address, encode=False)
    if method != "CANCEL" and remind_minutes:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", _plain(summary))
        alarm.add("trigger", timedelta(minutes=-remind_minutes))
        event.add_component(alarm)
    calendar.add_component(event)
    return calendar.to_ical()


def _plain(text: str) -> str:
    """A title is one line."""
    return " ".join(text.split())


def _address(person: Person) -> vCalAddress:
    name, email = ("", person) if isinstance(person, str) else person
    if any(character in email for character in '\r\n"<> '):
        raise ValueError("An address of a calendar holds no spaces, quotes or breaks.")
    address = vCalAddress(f"MAILTO:{email}")
    if name:
        address.params["cn"] = vText(_plain(name).replace('"', "'"))
    return address
