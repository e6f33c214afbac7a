"""Records whose status changes only along the moves they declare."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django.db import models


class Refused(Exception):
    """A person asked for something the rules do not allow; its text is a sentence for that person."""


class IllegalMove(Refused):
    """The record cannot move there from its present status, or somebody moved it meanwhile."""


class Lifecycle(models.Model):
    """A record whose status changes only along the moves it declares."""

    MOVES: ClassVar[Mapping[str, frozenset[str]]]
    status: Any

    class Meta:
        abstract = True

    def may_move_to(self, target: str) -> bool:
        return target in self.MOVES.get(self.status, frozenset())

    def move_to(self, target: str, **stamps: Any) -> Self:
        """One conditional UPDATE from the status this object was read with; ``stamps`` are set in the same row."""
        before = str(self.status)
        if target not in self.MOVES.get(before, frozenset()):
            raise IllegalMove(f"This cannot go from “{before}” to “{target}”.")
        rows = type(self)._default_manager.filter(pk=self.pk, status=before)
        if not rows.update(status=target, **stamps):
            raise IllegalMove(f"Somebody else has changed this meanwhile; it is no longer “{before}”.")
        # Only what was written: relations read along with the object stay with it.
        self.refresh_from_db(fields=["status", *stamps])
        return self
