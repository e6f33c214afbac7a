"""What a person or the clock does to the people of the program: one function each."""

from advocates.actions.care import do_task, thank, touch, undo_task

__all__ = ["do_task", "thank", "touch", "undo_task"]
