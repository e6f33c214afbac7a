"""What a person or the clock does to the people of the program: one function each."""

from advocates.actions.care import do_task, put_off, thank, touch, undo_task
from advocates.actions.invitations import invite
from advocates.actions.joining import accept_invitation

__all__ = [
    "accept_invitation",
    "do_task",
    "invite",
    "put_off",
    "thank",
    "touch",
    "undo_task",
]
