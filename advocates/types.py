"""Two questions at joining decide how somebody is approached and thanked (P9). Their names stay with staff."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from advocates.models import Advocate

TAKE_PART: tuple[tuple[str, Any], ...] = (
    ("teach", _("Teach and learn: share what I know, and hear how others do it")),
    ("feedback", _("Give honest feedback: say what works and what does not")),
    ("career", _("Grow my career: be seen, speak, build a name")),
    ("partner", _("Partner on projects: build something together")),
)
"""How would you like to take part? Neutral keys, so that no page carries a type's name."""

THANKED: tuple[tuple[str, Any], ...] = (
    ("note", _("A personal note")),
    ("gift", _("Something nice in the post, or a gift card")),
    ("access", _("Access others do not have")),
    ("career", _("Something for my career: a stage, a recommendation, a title")),
)
"""How would you like to be thanked?"""

_TYPE = {
    "teach": Advocate.Type.EDUCATOR,
    "feedback": Advocate.Type.VALIDATOR,
    "career": Advocate.Type.STATUS_SEEKER,
    "partner": Advocate.Type.COLLABORATOR,
}


def type_of(answer: str) -> str:
    """The type an answer to the first question decides; none for no answer."""
    found = _TYPE.get(answer)
    return found.value if found else ""


def answer_of(type_: str) -> str:
    """The answer a type came from, for the profile's form."""
    return next((answer for answer, known in _TYPE.items() if known == type_), "")
