"""Three neutral spaces, so that a new community has somewhere to begin. They can be renamed, closed or left."""

from django.db import migrations

SPACES = (
    (
        "introductions",
        "Introductions",
        "Say hello, and find out who else is here.",
        "Who you are, what you are working on, and one thing you are proud of. Everybody gets an answer.",
        True,
    ),
    (
        "questions",
        "Questions",
        "Ask those who have done it before.",
        "Say what you want to achieve and what you have tried. Mark the answer that helped, so that the next one finds it.",
        False,
    ),
    (
        "ideas",
        "Ideas",
        "What you wish the product did, and what you would do differently.",
        "One idea for each topic, so that it can be followed. The team reads along and says what becomes of it.",
        False,
    ),
)


def begin(apps, schema_editor):
    space = apps.get_model("community", "Space")
    if space.objects.exists():
        return
    for order, (slug, name, purpose, charter, welcomes) in enumerate(SPACES, start=1):
        space.objects.create(
            slug=slug, name=name, purpose=purpose, charter=charter, welcomes=welcomes, order=order * 10
        )


class Migration(migrations.Migration):
    dependencies = [("community", "0001_initial")]
    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
