"""``manage.py match REQUEST``: who fits a request and why, and who does not and what stopped them."""

import json
import uuid
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from opportunities import matching
from opportunities.models import ReferenceRequest


class Command(BaseCommand):
    help = "Candidates for a request with the parts of their score; counts and pages of those who cannot be asked."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("request", metavar="REQUEST", help="number or public id of the request")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        parser.add_argument("--limit", type=_positive, default=matching.LIMIT, help="how many candidates (20)")
        parser.add_argument("--required", metavar="PART,PART", help="parts that must fit, instead of the request's own")
        parser.add_argument("--weight", metavar="PART=N", action="append", default=[], help="another weight, 0 to 100")
        parser.add_argument("--gate", metavar="GATE", help="list those whom this gate stopped first")
        parser.add_argument("--page", type=_positive, default=1, help="which page of them (1)")
        parser.add_argument("--per-page", type=_positive, default=matching.A_PAGE, help="how many on a page (50)")
        parser.add_argument("--at", help="as of this moment, ISO with a zone (now)")

    def handle(self, *args: Any, **options: Any) -> None:
        need = matching.Need.of(
            _request(options["request"]),
            at=_moment(options["at"]),
            weights=_weights(options["weight"]),
            required=_required(options["required"]),
        )
        if options["gate"] and options["gate"] not in matching.known_gates():
            raise CommandError(
                f"No gate is called {options['gate']!r}. There are: {', '.join(matching.known_gates())}."
            )
        found = matching.candidates(need, limit=options["limit"])
        others = matching.why_not(need)
        page = (
            matching.excluded(need, options["gate"], page=options["page"], size=options["per_page"])
            if options["gate"]
            else None
        )
        if options["json"]:
            self.stdout.write(json.dumps(self._json(need, found, others, page, options), indent=2, ensure_ascii=False))
        else:
            self._table(found, others, page)

    def _json(
        self,
        need: matching.Need,
        found: list[matching.Candidate],
        others: matching.WhyNot,
        page: list[matching.Excluded] | None,
        options: dict[str, Any],
    ) -> dict[str, Any]:
        counts = {key: count for key, _name, count in others.gates}
        answer: dict[str, Any] = {
            "request": need.request,
            "at": need.at.isoformat(),
            "required": need.must,
            "weights": {key: need.weights[key] for key in need.scored},
            "most": need.most,
            "candidates": [
                {
                    "advocate": one.advocate,
                    "public_id": one.public_id,
                    "name": one.name,
                    "title": one.title,
                    "account": one.account_name,
                    "score": one.score,
                    "parts": {part.key: part.points for part in one.parts},
                    "why": one.sentence,
                    "last_asked_at": one.last_asked_at.isoformat() if one.last_asked_at else None,
                }
                for one in found
            ],
            "fit": others.fit,
            "excluded": counts,
        }
        if page is not None:
            total = counts.get(options["gate"], 0)
            answer["page"] = {
                "gate": options["gate"],
                "page": options["page"],
                "pages": -(-total // options["per_page"]),
                "rows": [
                    {"advocate": one.advocate, "name": one.name, "account": one.account_name, "why": one.reason}
                    for one in page
                ],
            }
        return answer

    def _table(
        self, found: list[matching.Candidate], others: matching.WhyNot, page: list[matching.Excluded] | None
    ) -> None:
        for one in found:
            self.stdout.write(f"{one.score:6.1f}  {one.name}, {one.account_name}: {one.sentence}")
        self.stdout.write(f"\n{others.fit} fit, {others.others} do not:")
        for key, name, count in others.gates:
            self.stdout.write(f"{count:8}  {key}: {name}")
        for excluded in page or []:
            self.stdout.write(f"  {excluded.name}, {excluded.account_name}: {excluded.reason}")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _request(text: str) -> ReferenceRequest:
    found = ReferenceRequest.objects.select_related("kind", "deal")
    try:
        return found.get(pk=int(text)) if text.isdigit() else found.get(public_id=uuid.UUID(text))
    except (ReferenceRequest.DoesNotExist, ValueError):
        raise CommandError(f"There is no request {text}.") from None


def _moment(text: str | None) -> datetime:
    if not text:
        return timezone.now()
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise CommandError(f"{text!r} is not a moment. Write it as 2026-03-10T12:00:00+00:00.")
    return moment


def _weights(pairs: list[str]) -> dict[str, int]:
    weights = {}
    for pair in pairs:
        part, _equals, number = pair.partition("=")
        if part not in matching.PARTS or not number.isdigit() or int(number) > 100:
            raise CommandError(f"{pair!r} is not a weight. Write PART=0 to 100; parts: {', '.join(matching.PARTS)}.")
        weights[part] = int(number)
    return weights


def _required(text: str | None) -> list[str] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        if part not in matching.PARTS:
            raise CommandError(f"No part is called {part!r}. There are: {', '.join(matching.PARTS)}.")
    return parts
