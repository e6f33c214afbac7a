"""A note to a whole pod is a touch of its own; those on record so far stood as care calls."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0009_not_ready_so_far"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="activity",
            name="activity_deed_known",
        ),
        migrations.AlterField(
            model_name="activity",
            name="deed",
            field=models.CharField(
                choices=[
                    ("nominated", "was asked for a reference"),
                    ("offered", "was offered an opportunity"),
                    ("surveyed", "was asked for feedback"),
                    ("review_asked", "was asked for a review"),
                    ("nomination_accepted", "said yes to a reference"),
                    ("nomination_declined", "declined a reference"),
                    ("claimed", "claimed an opportunity"),
                    ("scheduled", "set a time"),
                    ("delivered", "delivered"),
                    ("verified", "completed an activity"),
                    ("withdrew", "withdrew"),
                    ("missed", "missed"),
                    ("story_published", "had a story published"),
                    ("review_written", "wrote a review"),
                    ("talk_given", "gave a talk"),
                    ("referral_accepted", "referred a customer"),
                    ("thanked", "was thanked"),
                    ("care_call", "had a care call"),
                    ("noted", "got a note"),
                    ("introduced", "was introduced to somebody"),
                    ("celebrated", "was celebrated"),
                    ("welcomed", "was welcomed"),
                    ("posted", "started a topic"),
                    ("replied", "replied in the community"),
                    ("met", "met another advocate"),
                    ("attended", "attended an event"),
                    ("invited", "was invited to the program"),
                    ("joined", "joined the program"),
                    ("left", "left the program"),
                    ("moved", "moved to another company"),
                    ("departed", "left their company"),
                    ("mail_sent", "got a mail"),
                    ("mail_clicked", "followed a link in a mail"),
                    ("feedback_given", "gave feedback"),
                ],
                max_length=30,
                verbose_name="deed",
            ),
        ),
        migrations.AddConstraint(
            model_name="activity",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "deed__in",
                        [
                            "nominated",
                            "offered",
                            "surveyed",
                            "review_asked",
                            "nomination_accepted",
                            "nomination_declined",
                            "claimed",
                            "scheduled",
                            "delivered",
                            "verified",
                            "withdrew",
                            "missed",
                            "story_published",
                            "review_written",
                            "talk_given",
                            "referral_accepted",
                            "thanked",
                            "care_call",
                            "noted",
                            "introduced",
                            "celebrated",
                            "welcomed",
                            "posted",
                            "replied",
                            "met",
                            "attended",
                            "invited",
                            "joined",
                            "left",
                            "moved",
                            "departed",
                            "mail_sent",
                            "mail_clicked",
                            "feedback_given",
                        ],
                    )
                ),
                name="activity_deed_known",
            ),
        ),
        migrations.RunSQL(
            "UPDATE crm_activity SET deed = 'noted' WHERE deed = 'care_call' AND source_type = 'advocates.podnote'",
            "UPDATE crm_activity SET deed = 'care_call' WHERE deed = 'noted'",
        ),
    ]
