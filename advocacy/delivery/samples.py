"""Every template of mail with sample parameters, for the preview page and for the test that renders them all."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from advocacy.crm.catalogue import Purpose
from advocacy.delivery.models import Message


@dataclass(frozen=True)
class Sample:
    """One template and what it is shown with."""

    template: str
    params: dict[str, Any]

    def message(self, *, language: str = "en", time_zone: str = "Europe/Berlin") -> Message:
        """A message that is in no outbox; of a template that shows the way out, one that has it."""
        return Message(
            kind="sample",
            dedupe_key=self.template,
            template=self.template,
            params=self.params,
            to_email="ines.barbosa@customer.example",
            to_name="Ines Barbosa",
            language=language,
            time_zone=time_zone,
            purpose="" if self.template.startswith("account/") else Purpose.PROGRAM_MAIL,
            message_id="<sample@portal.example>",
        )


def folder() -> Path:
    return Path(settings.BASE_DIR) / "templates"


def templates() -> list[str]:
    """All templates of mail: ``app/name``."""
    return sorted(f"{path.parent.parent.name}/{path.stem}" for path in folder().glob("*/mail/*.txt") if _is_mail(path))


def _is_mail(path: Path) -> bool:
    return path.with_suffix(".mjml").exists()


def samples() -> Iterator[Sample]:
    for template in templates():
        yield sample(template)


def sample(template: str) -> Sample:
    app, _slash, name = template.partition("/")
    path = folder() / app / "mail" / f"{name}.json"
    return Sample(template, json.loads(path.read_text()) if path.exists() else {})
