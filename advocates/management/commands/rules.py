"""``manage.py rules --dry-run``: what lifecycle rules would do, to whom, why and why not, without doing it."""

import json
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from advocates.actions import lifecycle
from advocates.models import LifecycleRule


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"“{text}” is not a date like 2026-03-10.") from None


class Command(BaseCommand):
    help = "Shows what lifecycle rules would do, and why or why not. Sends nothing and writes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="required: this command does nothing else")
        parser.add_argument(
            "--rule", action="append", default=[], metavar="NAME",
            help="this rule, and others by saying it again; without it, every rule",
        )  # fmt: skip
        parser.add_argument(
            "--on", action="store_true", help="only rules that are on; without a period it is always so"
        )
        parser.add_argument(
            "--from", dest="start", default="", metavar="DATE", help="signals that occurred from this day"
        )
        parser.add_argument("--to", dest="end", default="", metavar="DATE", help="… to this day, itself included")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["dry_run"]:
            raise CommandError("Only --dry-run is offered here: the clock runs rules by itself.")
        start = _day(options["start"]) if options["start"] else None
        end = _day(options["end"]) if options["end"] else None
        if start and end and end < start:
            raise CommandError("--to lies before --from.")
        rules = LifecycleRule.objects.order_by("name")
        names = options["rule"] if isinstance(options["rule"], list) else [options["rule"]]
        if names:
            wanted = {name.casefold() for name in names}
            chosen = [rule for rule in rules if rule.name.casefold() in wanted]
            if unknown := wanted - {rule.name.casefold() for rule in chosen}:
                said = next(name for name in names if name.casefold() in unknown)
                known = ", ".join(f"“{rule.name}”" for rule in rules)
                raise CommandError(f"There is no rule “{said}”. There are: {known or 'none'}.")
        else:
            chosen = [rule for rule in rules if rule.enabled or ((start or end) and not options["on"])]
        at = timezone.now()
        tried = self._try(chosen, at=at, start=start, end=end)
        answer = {
            "at": at.isoformat(),
            "from": start.isoformat() if start else None,
            "to": end.isoformat() if end else None,
            "rules": [self._one(rule, tried[rule.pk]) for rule in chosen],
        }
        if options["json"]:
            self.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2))
        else:
            self._say(answer)

    def _try(
        self, rules: list[LifecycleRule], *, at: Any, start: date | None, end: date | None
    ) -> dict[int, list[dict[str, Any]]]:
        """All of them in one go, because each finds what the others would have done before."""
        tried: dict[int, list[dict[str, Any]]] = {rule.pk: [] for rule in rules}
        for one in lifecycle.dry_run_all(
            rules, at=at,
            start=lifecycle.as_instant(start) if start else None,
            end=lifecycle.as_instant(end + timedelta(days=1)) if end else None,
        ):  # fmt: skip
            tried[one.rule.pk].append(
                {
                    "fires": one.fires,
                    "waits": one.waits,
                    "signal": one.signal.pk,
                    "kind": one.signal.kind,
                    "occurrence": one.happening.occurrence,
                    "occurred_at": one.signal.occurred_at.isoformat(),
                    "due_at": one.due_at.isoformat(),
                    "subject": one.happening.subject,
                    "account": one.signal.account.name,
                    "who": [{"contact": person.pk, "name": person.full_name} for person in one.people],
                    "why": list(one.reasons),
                }
            )
        return tried

    def _one(self, rule: LifecycleRule, tried: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "rule": rule.name,
            "enabled": rule.enabled,
            "effect": rule.effect,
            "signals": len(tried),
            "would_fire": sum(1 for one in tried if one["fires"]),
            "firings": tried,
        }

    def _say(self, answer: dict[str, Any]) -> None:
        for rule in answer["rules"]:
            state = "on" if rule["enabled"] else "off"
            self.stdout.write(
                f"{rule['rule']} ({state}): {rule['would_fire']} of {rule['signals']} signals would fire it"
            )
            for one in rule["firings"]:
                who = ", ".join(person["name"] for person in one["who"]) or "-"
                mark = ("waits" if one["waits"] else "yes  ") if one["fires"] else "no   "
                self.stdout.write(f"  {mark} {one['occurred_at'][:10]} {one['account']}: {who}")
                for reason in one["why"]:
                    self.stdout.write(f"        {reason}")
