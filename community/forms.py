"""Forms of the community: a topic, a reply, a flag, a moderator's reason."""

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from community.models import Space, Topic

LONGEST = 20_000


def _text(label: Any, *, rows: int, draft: str, hint: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=hint,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": rows, "data-draft": draft}),
        error_messages={
            "required": _("Write something first."),
            "max_length": _("That is longer than a post can be (20,000 characters). Make it two."),
        },
    )


class Once(forms.Form):
    """A form with a key of its own: sent twice, it is still one post."""

    key = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].initial = uuid4


class TopicForm(Once):
    """A new conversation. ``draft`` keys let the browser keep what was typed when the connection is lost."""

    space = forms.ModelChoiceField(Space.objects.none(), label=_("Where"), empty_label=None)
    type = forms.ChoiceField(label=_("What it is"), choices=Topic.Type.choices, initial=Topic.Type.DISCUSSION)
    title = forms.CharField(
        label=_("Title"),
        max_length=150,
        help_text=_("What it is about, so that the right people open it."),
        widget=forms.TextInput(attrs={"data-draft": "topic-title"}),
        error_messages={"required": _("Give it a title, so that people know what it is about.")},
    )
    body = _text(
        _("Text"), rows=10, draft="topic-body", hint=_("Markdown works: **bold**, *slanted*, lists, > quotes.")
    )
    tags = forms.CharField(label=_("Tags"), required=False, max_length=120, help_text=_("A few words, with commas."))

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["space"].queryset = Space.objects.visible_to(user)  # type: ignore[attr-defined]
        if not user.has_perm("community.moderate"):
            kept = [choice for choice in Topic.Type.choices if choice[0] != Topic.Type.ANNOUNCEMENT]
            self.fields["type"].choices = kept  # type: ignore[attr-defined]

    def clean_tags(self) -> list[str]:
        words = [word.strip().lower()[:40] for word in self.cleaned_data["tags"].split(",")]
        return sorted({word for word in words if word})[:6]


class ReplyForm(Once):
    body = _text(
        _("Your reply"), rows=5, draft="reply", hint=_("Markdown works: **bold**, *slanted*, lists, > quotes.")
    )

    def __init__(self, *args: Any, draft: str = "reply", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["body"].widget.attrs["data-draft"] = draft


class EditForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=150, required=False)
    body = _text(_("Text"), rows=10, draft="edit")

    def __init__(self, *args: Any, with_title: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not with_title:
            del self.fields["title"]


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Write a short reason.")},
    )
