"""Sign-in mail leaves through the outbox like every other, past consent and cap; its codes are not readable there."""

import uuid
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.utils import timezone

from advocacy.delivery import outbox
from advocacy.delivery.gates import SIGN_IN
from advocacy.users.models import User

# What a person needs to see, and nobody else: stored encrypted, wiped once sent.
SECRET = ("code", "key", "uid", "password_reset_url", "activate_url", "ip", "user_agent")
PLAIN = ("from_email", "to_email", "deleted_email", "signup_url")
OWN_TEMPLATES = {
    "login_code": "login_code",
    "password_reset_key": "password_reset",
    "email_confirmation": "email_confirmation",
    "email_confirmation_signup": "email_confirmation",
    "unknown_account": "unknown_account",
    "account_already_exists": "account_exists",
}


class AccountAdapter(DefaultAccountAdapter):
    """allauth's mails, as rows of the outbox. Whatever has no template of its own is a short notice of what changed."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        what = template_prefix.rpartition("/")[2]
        user = context.get("user") or User.objects.filter(email__iexact=email).first()
        outbox.owe(
            f"{SIGN_IN}_{what}"[:40],
            # A change of address is told to the old one, too: the mail goes where allauth says, not where we know.
            to=user if user is not None and user.email.lower() == email.lower() else email,
            template=f"account/{OWN_TEMPLATES.get(what, 'notice')}",
            dedupe_key=str(uuid.uuid4()),  # asking for a second code is a second mail
            at=timezone.now(),
            params={"what": what} | {name: str(context[name]) for name in PLAIN if context.get(name)},
            secret={name: str(context[name]) for name in SECRET if context.get(name)},
            counts=False,
        )
