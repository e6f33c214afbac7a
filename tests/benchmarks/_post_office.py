"""django-post-office sending mails made beforehand, for comparison: ``PYTHON _post_office.py MAILS CONNECTIONS``.

Run by an interpreter that has django-post-office, Django and psycopg; nothing of ours is imported. Its tables are made
in the database of ``DATABASE_URL``, the mails of MAILS are queued in one go, and ``send_queued`` with one process sends
them over CONNECTIONS (a thread each; five as it comes), else as it comes. Prints the seconds that took.
"""

import os
import pickle
import sys
import time
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit


def main() -> None:
    address = urlsplit(os.environ["DATABASE_URL"])
    said = {name: values[0] for name, values in parse_qs(address.query).items()}
    port, mails = pickle.loads(Path(sys.argv[1]).read_bytes())  # noqa: S301 - written by the benchmark itself
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="not for anything",
        INSTALLED_APPS=["django.contrib.contenttypes", "post_office"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": address.path.lstrip("/"),
                "USER": said.get("user") or unquote(address.username or ""),
                "PASSWORD": said.get("password") or unquote(address.password or ""),
                "HOST": said.get("host") or unquote(address.hostname or ""),
                "PORT": said.get("port") or str(address.port or ""),
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        EMAIL_BACKEND="post_office.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        USE_TZ=True,
        LOGGING_CONFIG=None,
        POST_OFFICE={
            "THREADS_PER_PROCESS": int(sys.argv[2]),
            "BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"},
        },
    )
    django.setup()
    from django.core.management import call_command
    from post_office.mail import send_queued
    from post_office.models import PRIORITY, STATUS, Email

    call_command("migrate", verbosity=0)
    Email.objects.all().delete()
    made = []
    for sender, to, data in mails:
        mail = message_from_bytes(data, policy=default)
        text, html = mail.get_body(("plain",)), mail.get_body(("html",))
        kept = {name: mail[name] for name in ("Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post") if mail[name]}
        made.append(
            Email(
                from_email=sender, to=[to], subject=mail["Subject"], message=text.get_content(),
                html_message=html.get_content(), headers=kept, status=STATUS.queued, priority=PRIORITY.medium,
            )
        )  # fmt: skip
    Email.objects.bulk_create(made, batch_size=1000)
    began = time.monotonic()
    while Email.objects.filter(status=STATUS.queued).exists():
        send_queued(processes=1, log_level=1)
    took = time.monotonic() - began
    sent = Email.objects.filter(status=STATUS.sent).count()
    assert sent == len(mails), f"{sent} of {len(mails)}"
    sys.stdout.write(f"{took}\n")


if __name__ == "__main__":
    main()
