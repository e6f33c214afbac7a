"""Editions and when they appear. The triggers in a model's options are installed as its table is made."""

import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('advocates', '0001_initial'),
        ('community', '0001_initial'),
        ('opportunities', '0001_initial'),
        ('pghistory', '0007_auto_20250421_0444'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='EditionSchedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('weekday', models.PositiveSmallIntegerField(default=1, verbose_name='weekday (Monday is 0)')),
                ('weeks', models.JSONField(default=list, help_text='[1, 3] is the first and third.', verbose_name='which of the month')),
                ('hour', models.PositiveSmallIntegerField(default=9, verbose_name='hour')),
                ('draft_days_before', models.PositiveSmallIntegerField(default=3, verbose_name='drafted days before')),
                ('most_opportunities', models.PositiveSmallIntegerField(default=5, verbose_name='opportunities for each reader')),
                ('send_without_opportunities', models.BooleanField(default=True, verbose_name='also to readers with nothing open to them')),
                ('enabled', models.BooleanField(default=True, verbose_name='on')),
            ],
            options={
                'verbose_name': 'edition schedule',
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('pk', 1)), name='edition_schedule_one_row'),
                    models.CheckConstraint(condition=models.Q(('hour__lte', 23), ('weekday__lte', 6)), name='edition_schedule_range'),
                ],
                'triggers': [
                    pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "newsletter_editionscheduleevent" ("draft_days_before", "enabled", "hour", "id", "most_opportunities", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "send_without_opportunities", "weekday", "weeks") VALUES (NEW."draft_days_before", NEW."enabled", NEW."hour", NEW."id", NEW."most_opportunities", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."send_without_opportunities", NEW."weekday", NEW."weeks"); RETURN NULL;', hash='4ab0de9187c95343adea5fd2cd6864db394245eb', operation='INSERT', pgid='pgtrigger_insert_insert_c6a72', table='newsletter_editionschedule', when='AFTER')),
                    pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "newsletter_editionscheduleevent" ("draft_days_before", "enabled", "hour", "id", "most_opportunities", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "send_without_opportunities", "weekday", "weeks") VALUES (NEW."draft_days_before", NEW."enabled", NEW."hour", NEW."id", NEW."most_opportunities", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."send_without_opportunities", NEW."weekday", NEW."weeks"); RETURN NULL;', hash='20dcbd90d5590b6d046f78da27776cc0112bce06', operation='UPDATE', pgid='pgtrigger_update_update_d4f74', table='newsletter_editionschedule', when='AFTER')),
                ],
            },
        ),
        migrations.CreateModel(
            name='EditionScheduleEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('weekday', models.PositiveSmallIntegerField(default=1, verbose_name='weekday (Monday is 0)')),
                ('weeks', models.JSONField(default=list, help_text='[1, 3] is the first and third.', verbose_name='which of the month')),
                ('hour', models.PositiveSmallIntegerField(default=9, verbose_name='hour')),
                ('draft_days_before', models.PositiveSmallIntegerField(default=3, verbose_name='drafted days before')),
                ('most_opportunities', models.PositiveSmallIntegerField(default=5, verbose_name='opportunities for each reader')),
                ('send_without_opportunities', models.BooleanField(default=True, verbose_name='also to readers with nothing open to them')),
                ('enabled', models.BooleanField(default=True, verbose_name='on')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='newsletter.editionschedule')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Edition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('slot', models.DateField(unique=True, verbose_name='day')),
                ('hour', models.PositiveSmallIntegerField(default=9, verbose_name="hour, on the reader's clock")),
                ('subject', models.CharField(blank=True, default='', max_length=150, verbose_name='subject')),
                ('preheader', models.CharField(blank=True, default='', max_length=150, verbose_name='preview line')),
                ('intro', models.TextField(blank=True, default='', verbose_name='opening words')),
                ('status', models.CharField(choices=[('draft', 'draft'), ('approved', 'approved'), ('sending', 'being sent'), ('paused', 'paused'), ('sent', 'sent'), ('stopped', 'stopped'), ('missed', 'missed its slot')], default='draft', max_length=10, verbose_name='status')),
                ('drafted_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('approved_at', models.DateTimeField(blank=True, null=True)),
                ('sending_since', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('queued_up_to', models.BigIntegerField(default=0, help_text='Contacts up to this id have their message.')),
                ('readers', models.PositiveIntegerField(default=0)),
                ('approved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'edition',
                'ordering': ['-slot'],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('status__in', ['draft', 'approved', 'sending', 'paused', 'sent', 'stopped', 'missed'])), name='edition_status_known'),
                    models.CheckConstraint(condition=models.Q(('status__in', ['draft', 'missed']), ('approved_at__isnull', False), _connector='OR'), name='edition_approved_has_time'),
                ],
                'triggers': [
                    pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "newsletter_editionevent" ("approved_at", "approved_by_id", "drafted_at", "finished_at", "hour", "id", "intro", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "preheader", "public_id", "queued_up_to", "readers", "sending_since", "slot", "status", "subject") VALUES (NEW."approved_at", NEW."approved_by_id", NEW."drafted_at", NEW."finished_at", NEW."hour", NEW."id", NEW."intro", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."preheader", NEW."public_id", NEW."queued_up_to", NEW."readers", NEW."sending_since", NEW."slot", NEW."status", NEW."subject"); RETURN NULL;', hash='da003b76bb9520f8182ca37e8ff75b400505321e', operation='INSERT', pgid='pgtrigger_insert_insert_6a92b', table='newsletter_edition', when='AFTER')),
                    pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "newsletter_editionevent" ("approved_at", "approved_by_id", "drafted_at", "finished_at", "hour", "id", "intro", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "preheader", "public_id", "queued_up_to", "readers", "sending_since", "slot", "status", "subject") VALUES (NEW."approved_at", NEW."approved_by_id", NEW."drafted_at", NEW."finished_at", NEW."hour", NEW."id", NEW."intro", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."preheader", NEW."public_id", NEW."queued_up_to", NEW."readers", NEW."sending_since", NEW."slot", NEW."status", NEW."subject"); RETURN NULL;', hash='89b2efdec6073137b26849a235766706e925e594', operation='UPDATE', pgid='pgtrigger_update_update_b33b9', table='newsletter_edition', when='AFTER')),
                ],
            },
        ),
        migrations.CreateModel(
            name='EditionEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('slot', models.DateField(verbose_name='day')),
                ('hour', models.PositiveSmallIntegerField(default=9, verbose_name="hour, on the reader's clock")),
                ('subject', models.CharField(blank=True, default='', max_length=150, verbose_name='subject')),
                ('preheader', models.CharField(blank=True, default='', max_length=150, verbose_name='preview line')),
                ('intro', models.TextField(blank=True, default='', verbose_name='opening words')),
                ('status', models.CharField(choices=[('draft', 'draft'), ('approved', 'approved'), ('sending', 'being sent'), ('paused', 'paused'), ('sent', 'sent'), ('stopped', 'stopped'), ('missed', 'missed its slot')], default='draft', max_length=10, verbose_name='status')),
                ('drafted_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('approved_at', models.DateTimeField(blank=True, null=True)),
                ('sending_since', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('queued_up_to', models.BigIntegerField(default=0, help_text='Contacts up to this id have their message.')),
                ('readers', models.PositiveIntegerField(default=0)),
                ('approved_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='newsletter.edition')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='EditionItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('section', models.CharField(choices=[('lead', 'Opening'), ('opportunities', 'Open to you'), ('celebration', 'Celebrations'), ('community', 'From the community'), ('news', 'News')], max_length=15, verbose_name='section')),
                ('order', models.PositiveSmallIntegerField(default=100)),
                ('title', models.CharField(max_length=150, verbose_name='title')),
                ('text', models.TextField(blank=True, default='', verbose_name='text')),
                ('link', models.CharField(blank=True, default='', max_length=300, verbose_name='link')),
                ('dropped', models.BooleanField(default=False, verbose_name='dropped')),
                ('edition', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='newsletter.edition')),
                ('opportunity', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='opportunities.opportunity')),
                ('recognition', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='advocates.recognition')),
                ('topic', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='community.topic')),
            ],
            options={
                'verbose_name': 'item',
                'ordering': ['section', 'order', 'id'],
            },
        ),
    ]
