"""Advocates, what they are asked and how they are thanked. The triggers in a model's options are installed as its table is made."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('crm', '0001_initial'),
        ('pghistory', '0007_auto_20250421_0444'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Pod',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, unique=True, verbose_name='name')),
                ('region', models.CharField(blank=True, default='', max_length=60, verbose_name='region')),
                ('manager', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pods', to=settings.AUTH_USER_MODEL, verbose_name='reference manager')),
            ],
            options={
                'verbose_name': 'pod',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Advocate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('status', models.CharField(choices=[('invited', 'invited'), ('applied', 'applied'), ('member', 'member'), ('declined', 'declined'), ('left', 'left'), ('alumnus', 'alumnus')], default='invited', max_length=10, verbose_name='status')),
                ('joined_at', models.DateTimeField(blank=True, null=True, verbose_name='joined')),
                ('left_at', models.DateTimeField(blank=True, null=True, verbose_name='left')),
                ('type', models.CharField(blank=True, choices=[('educator', 'Educator'), ('validator', 'Validator'), ('status_seeker', 'Status seeker'), ('collaborator', 'Collaborator')], default='', max_length=15, verbose_name='type')),
                ('thanks', models.CharField(blank=True, choices=[('note', 'a personal note'), ('gift', 'swag or a gift card'), ('access', 'exclusive access'), ('career', 'career opportunities')], default='', max_length=10, verbose_name='likes to be thanked with')),
                ('expertise', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None, verbose_name='expertise')),
                ('interests', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None, verbose_name='interests and hobbies')),
                ('wants', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None, verbose_name='wants to do (kinds)')),
                ('never', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None, verbose_name='never asks of (kinds)')),
                ('goals', models.TextField(blank=True, default='', verbose_name='career goals')),
                ('about', models.TextField(blank=True, default='', verbose_name='about')),
                ('valuable', models.TextField(blank=True, default='', verbose_name='what is valuable to them')),
                ('years_of_experience', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='years of experience')),
                ('prefers_private', models.BooleanField(default=False, verbose_name='prefers to stay private')),
                ('ruled_out', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None, verbose_name='companies ruled out')),
                ('asks_a_quarter', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='asks a quarter, their own limit')),
                ('stage', models.PositiveSmallIntegerField(choices=[(0, 'Customer'), (1, 'User'), (2, 'Member'), (3, 'Socializer'), (4, 'Creator'), (5, 'Proven advocate'), (6, 'Spotlight')], default=0, verbose_name='stage')),
                ('stage_since', models.DateTimeField(blank=True, null=True)),
                ('resting_until', models.DateTimeField(blank=True, help_text='Projected from asks, for matching; the budget decides.', null=True, verbose_name='resting until')),
                ('last_asked_at', models.DateTimeField(blank=True, help_text='Projected from asks.', null=True)),
                ('asks_in_year', models.PositiveSmallIntegerField(default=0, help_text='Projected from asks, daily.')),
                ('wizard_done_at', models.DateTimeField(blank=True, null=True)),
                ('board_seen_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('contact', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='advocate', to='crm.contact')),
                ('user', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='advocate', to=settings.AUTH_USER_MODEL)),
                ('pod', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='advocates', to='advocates.pod')),
                ('told', models.JSONField(blank=True, default=dict, editable=False, help_text='Which facts they gave themselves, and when.')),
            ],
            options={
                'verbose_name': 'advocate',
                'indexes': [
                    models.Index(fields=['status', 'stage'], name='advocate_status'),
                    models.Index(fields=['pod', 'status'], name='advocate_pod'),
                ],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('status__in', ['invited', 'applied', 'member', 'declined', 'left', 'alumnus'])), name='advocate_status_known'),
                    models.CheckConstraint(condition=models.Q(models.Q(('status', 'member'), _negated=True), ('joined_at__isnull', False), _connector='OR'), name='advocate_member_has_joined'),
                ],
                'triggers': [
                    pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "advocates_advocateevent" ("about", "asks_a_quarter", "asks_in_year", "board_seen_at", "contact_id", "created_at", "expertise", "goals", "id", "interests", "joined_at", "last_asked_at", "left_at", "never", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pod_id", "prefers_private", "public_id", "resting_until", "ruled_out", "stage", "stage_since", "status", "thanks", "told", "type", "user_id", "valuable", "wants", "wizard_done_at", "years_of_experience") VALUES (NEW."about", NEW."asks_a_quarter", NEW."asks_in_year", NEW."board_seen_at", NEW."contact_id", NEW."created_at", NEW."expertise", NEW."goals", NEW."id", NEW."interests", NEW."joined_at", NEW."last_asked_at", NEW."left_at", NEW."never", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."pod_id", NEW."prefers_private", NEW."public_id", NEW."resting_until", NEW."ruled_out", NEW."stage", NEW."stage_since", NEW."status", NEW."thanks", NEW."told", NEW."type", NEW."user_id", NEW."valuable", NEW."wants", NEW."wizard_done_at", NEW."years_of_experience"); RETURN NULL;', hash='0cadd41b0d310f952a602a1b652fcf088cb8e55c', operation='INSERT', pgid='pgtrigger_insert_insert_2c7e7', table='advocates_advocate', when='AFTER')),
                    pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "advocates_advocateevent" ("about", "asks_a_quarter", "asks_in_year", "board_seen_at", "contact_id", "created_at", "expertise", "goals", "id", "interests", "joined_at", "last_asked_at", "left_at", "never", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pod_id", "prefers_private", "public_id", "resting_until", "ruled_out", "stage", "stage_since", "status", "thanks", "told", "type", "user_id", "valuable", "wants", "wizard_done_at", "years_of_experience") VALUES (NEW."about", NEW."asks_a_quarter", NEW."asks_in_year", NEW."board_seen_at", NEW."contact_id", NEW."created_at", NEW."expertise", NEW."goals", NEW."id", NEW."interests", NEW."joined_at", NEW."last_asked_at", NEW."left_at", NEW."never", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."pod_id", NEW."prefers_private", NEW."public_id", NEW."resting_until", NEW."ruled_out", NEW."stage", NEW."stage_since", NEW."status", NEW."thanks", NEW."told", NEW."type", NEW."user_id", NEW."valuable", NEW."wants", NEW."wizard_done_at", NEW."years_of_experience"); RETURN NULL;', hash='3c44fb2e786a192c03218eaec4064a0463bc8ba4', operation='UPDATE', pgid='pgtrigger_update_update_e9eb9', table='advocates_advocate', when='AFTER')),
                ],
            },
        ),
        migrations.CreateModel(
            name='AdvocateEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('status', models.CharField(choices=[('invited', 'invited'), ('applied', 'applied'), ('member', 'member'), ('declined', 'declined'), ('left', 'left'), ('alumnus', 'alumnus')], default='invited', max_length=10, verbose_name='status')),
                ('joined_at', models.DateTimeField(blank=True, null=True, verbose_name='joined')),
                ('left_at', models.DateTimeField(blank=True, null=True, verbose_name='left')),
                ('type', models.CharField(blank=True, choices=[('educator', 'Educator'), ('validator', 'Validator'), ('status_seeker', 'Status seeker'), ('collaborator', 'Collaborator')], default='', max_length=15, verbose_name='type')),
                ('thanks', models.CharField(blank=True, choices=[('note', 'a personal note'), ('gift', 'swag or a gift card'), ('access', 'exclusive access'), ('career', 'career opportunities')], default='', max_length=10, verbose_name='likes to be thanked with')),
                ('expertise', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None, verbose_name='expertise')),
                ('interests', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None, verbose_name='interests and hobbies')),
                ('wants', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None, verbose_name='wants to do (kinds)')),
                ('never', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None, verbose_name='never asks of (kinds)')),
                ('goals', models.TextField(blank=True, default='', verbose_name='career goals')),
                ('about', models.TextField(blank=True, default='', verbose_name='about')),
                ('valuable', models.TextField(blank=True, default='', verbose_name='what is valuable to them')),
                ('years_of_experience', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='years of experience')),
                ('prefers_private', models.BooleanField(default=False, verbose_name='prefers to stay private')),
                ('ruled_out', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None, verbose_name='companies ruled out')),
                ('asks_a_quarter', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='asks a quarter, their own limit')),
                ('stage', models.PositiveSmallIntegerField(choices=[(0, 'Customer'), (1, 'User'), (2, 'Member'), (3, 'Socializer'), (4, 'Creator'), (5, 'Proven advocate'), (6, 'Spotlight')], default=0, verbose_name='stage')),
                ('stage_since', models.DateTimeField(blank=True, null=True)),
                ('resting_until', models.DateTimeField(blank=True, help_text='Projected from asks, for matching; the budget decides.', null=True, verbose_name='resting until')),
                ('last_asked_at', models.DateTimeField(blank=True, help_text='Projected from asks.', null=True)),
                ('asks_in_year', models.PositiveSmallIntegerField(default=0, help_text='Projected from asks, daily.')),
                ('wizard_done_at', models.DateTimeField(blank=True, null=True)),
                ('board_seen_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('contact', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='crm.contact')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='advocates.advocate')),
                ('user', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('pod', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='advocates.pod')),
                ('told', models.JSONField(blank=True, default=dict, editable=False, help_text='Which facts they gave themselves, and when.')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='AwayPeriod',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_on', models.DateField(verbose_name='from')),
                ('ends_on', models.DateField(verbose_name='to')),
                ('advocate', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='away', to='advocates.advocate')),
            ],
            options={
                'verbose_name': 'away dates',
                'verbose_name_plural': 'away dates',
                'indexes': [
                    models.Index(fields=['advocate', 'ends_on'], name='away_advocate'),
                ],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('ends_on__gte', models.F('starts_on'))), name='away_in_order'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Ask',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(choices=[('desk', 'desk'), ('board', 'board'), ('rule', 'rule'), ('campaign', 'campaign'), ('newsletter', 'newsletter'), ('survey', 'survey')], max_length=12, verbose_name='channel')),
                ('source_id', models.CharField(max_length=60)),
                ('kind', models.CharField(blank=True, default='', max_length=40, verbose_name='kind')),
                ('asked_at', models.DateTimeField(verbose_name='asked')),
                ('released_at', models.DateTimeField(blank=True, help_text='Set when the ask came to nothing through no fault of theirs; it then counts no more.', null=True, verbose_name='released')),
                ('answered_at', models.DateTimeField(blank=True, null=True, verbose_name='answered')),
                ('override_reason', models.CharField(blank=True, default='', max_length=300, verbose_name='why beyond the budget')),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='asks', to='crm.account')),
                ('advocate', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='asks', to='advocates.advocate')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'ask',
                'indexes': [
                    models.Index(condition=models.Q(('released_at__isnull', True)), fields=['advocate', '-asked_at'], name='ask_advocate'),
                    models.Index(condition=models.Q(('released_at__isnull', True)), fields=['account', '-asked_at'], name='ask_account'),
                    models.Index(condition=models.Q(('released_at__isnull', True)), fields=['asked_at'], include=('advocate',), name='ask_at'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('channel', 'source_id', 'advocate'), name='ask_once'),
                    models.CheckConstraint(condition=models.Q(('channel__in', ['desk', 'board', 'rule', 'campaign', 'newsletter', 'survey'])), name='ask_channel_known'),
                ],
            },
        ),
        migrations.CreateModel(
            name='AskCap',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(choices=[('advocate', 'each advocate'), ('account', 'each account')], max_length=10, verbose_name='for')),
                ('kind', models.CharField(blank=True, default='', max_length=40, verbose_name='kind (empty: all)')),
                ('most', models.PositiveSmallIntegerField(verbose_name='at most')),
                ('days', models.PositiveSmallIntegerField(verbose_name='in days')),
            ],
            options={
                'verbose_name': 'ask cap',
                'constraints': [
                    models.UniqueConstraint(fields=('scope', 'kind', 'days'), name='ask_cap_once'),
                    models.CheckConstraint(condition=models.Q(('days__gte', 1), ('days__lte', 730)), name='ask_cap_days'),
                    models.CheckConstraint(condition=models.Q(('scope__in', ['advocate', 'account'])), name='ask_cap_scope_known'),
                ],
                'triggers': [
                    pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "advocates_askcapevent" ("days", "id", "kind", "most", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "scope") VALUES (NEW."days", NEW."id", NEW."kind", NEW."most", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."scope"); RETURN NULL;', hash='5ee7fe4c02421fceba7deffeb5cfde7160bfc49a', operation='INSERT', pgid='pgtrigger_insert_insert_0fdc5', table='advocates_askcap', when='AFTER')),
                    pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "advocates_askcapevent" ("days", "id", "kind", "most", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "scope") VALUES (NEW."days", NEW."id", NEW."kind", NEW."most", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."scope"); RETURN NULL;', hash='d9f30b292b6a454499294d68545d05aa1c826ea6', operation='UPDATE', pgid='pgtrigger_update_update_d369e', table='advocates_askcap', when='AFTER')),
                ],
            },
        ),
        migrations.CreateModel(
            name='AskCapEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('scope', models.CharField(choices=[('advocate', 'each advocate'), ('account', 'each account')], max_length=10, verbose_name='for')),
                ('kind', models.CharField(blank=True, default='', max_length=40, verbose_name='kind (empty: all)')),
                ('most', models.PositiveSmallIntegerField(verbose_name='at most')),
                ('days', models.PositiveSmallIntegerField(verbose_name='in days')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='advocates.askcap')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='LifecycleRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, unique=True, verbose_name='name')),
                ('signal', models.CharField(choices=[('contract_signed', 'Contract signed'), ('onboarding_kickoff', 'Onboarding kick-off'), ('onboarding_checkin', 'Onboarding check-in'), ('onboarding_closed', 'Onboarding closed'), ('certified', 'Certification completed'), ('certified_further', 'Further certification'), ('adoption_red_flag', 'Adoption red flag'), ('adoption_landmark', 'Adoption landmark'), ('feature_adopted', 'New feature adopted'), ('joined_program', 'Joined a customer program'), ('submitted_content', 'Submitted content'), ('nps', 'NPS given'), ('csat', 'CSAT given'), ('upsell_started', 'Upsell started'), ('upsell_won', 'Upsell won'), ('upsell_lost', 'Upsell not finished'), ('renewed', 'Renewed'), ('upgraded', 'Recently upgraded'), ('bought_services', 'Bought services'), ('attended_webinar', 'Attended a webinar'), ('attended_event', 'Attended an event'), ('attended_user_group', 'Attended a user group'), ('completed_course', 'Completed a course'), ('escalation_opened', 'Escalation opened'), ('escalation_closed', 'Escalation closed'), ('churn_notice', 'Churn notice'), ('six_months_use', 'Six months with use'), ('nine_months', 'Nine months in'), ('two_webinars', 'Two webinars attended'), ('renewal_ahead', '90 days before renewal')], max_length=30, verbose_name='when')),
                ('conditions', models.JSONField(blank=True, default=list, verbose_name='if')),
                ('delay_days', models.PositiveSmallIntegerField(default=0, verbose_name='days later')),
                ('effect', models.CharField(max_length=40, verbose_name='then')),
                ('effect_params', models.JSONField(blank=True, default=dict, verbose_name='with')),
                ('whom', models.CharField(default='champion,admin,decider', help_text='Roles in order; at most two people are reached.', max_length=60, verbose_name='whom at the account')),
                ('at_most', models.PositiveSmallIntegerField(default=1, verbose_name='at most people')),
                ('reentry', models.BooleanField(default=False, verbose_name='may reach somebody again')),
                ('enabled', models.BooleanField(default=False, verbose_name='on')),
                ('enabled_from', models.DateTimeField(blank=True, help_text='Signals that occurred before this never fire it.', null=True, verbose_name='for signals since')),
            ],
            options={
                'verbose_name': 'lifecycle rule',
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('enabled', False), ('enabled_from__isnull', False), _connector='OR'), name='rule_enabled_has_start'),
                    models.CheckConstraint(condition=models.Q(('at_most__gte', 1), ('at_most__lte', 2)), name='rule_at_most_two'),
                ],
                'triggers': [
                    pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "advocates_lifecycleruleevent" ("at_most", "conditions", "delay_days", "effect", "effect_params", "enabled", "enabled_from", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reentry", "signal", "whom") VALUES (NEW."at_most", NEW."conditions", NEW."delay_days", NEW."effect", NEW."effect_params", NEW."enabled", NEW."enabled_from", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."reentry", NEW."signal", NEW."whom"); RETURN NULL;', hash='1d1055f4e29ad43d16b1dd08855d7e76a295c456', operation='INSERT', pgid='pgtrigger_insert_insert_fcda5', table='advocates_lifecyclerule', when='AFTER')),
                    pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "advocates_lifecycleruleevent" ("at_most", "conditions", "delay_days", "effect", "effect_params", "enabled", "enabled_from", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reentry", "signal", "whom") VALUES (NEW."at_most", NEW."conditions", NEW."delay_days", NEW."effect", NEW."effect_params", NEW."enabled", NEW."enabled_from", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."reentry", NEW."signal", NEW."whom"); RETURN NULL;', hash='51852b326e8fb15e131cf9529a67ea60dadc7b54', operation='UPDATE', pgid='pgtrigger_update_update_80681', table='advocates_lifecyclerule', when='AFTER')),
                ],
            },
        ),
        migrations.CreateModel(
            name='LifecycleRuleEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('name', models.CharField(max_length=120, verbose_name='name')),
                ('signal', models.CharField(choices=[('contract_signed', 'Contract signed'), ('onboarding_kickoff', 'Onboarding kick-off'), ('onboarding_checkin', 'Onboarding check-in'), ('onboarding_closed', 'Onboarding closed'), ('certified', 'Certification completed'), ('certified_further', 'Further certification'), ('adoption_red_flag', 'Adoption red flag'), ('adoption_landmark', 'Adoption landmark'), ('feature_adopted', 'New feature adopted'), ('joined_program', 'Joined a customer program'), ('submitted_content', 'Submitted content'), ('nps', 'NPS given'), ('csat', 'CSAT given'), ('upsell_started', 'Upsell started'), ('upsell_won', 'Upsell won'), ('upsell_lost', 'Upsell not finished'), ('renewed', 'Renewed'), ('upgraded', 'Recently upgraded'), ('bought_services', 'Bought services'), ('attended_webinar', 'Attended a webinar'), ('attended_event', 'Attended an event'), ('attended_user_group', 'Attended a user group'), ('completed_course', 'Completed a course'), ('escalation_opened', 'Escalation opened'), ('escalation_closed', 'Escalation closed'), ('churn_notice', 'Churn notice'), ('six_months_use', 'Six months with use'), ('nine_months', 'Nine months in'), ('two_webinars', 'Two webinars attended'), ('renewal_ahead', '90 days before renewal')], max_length=30, verbose_name='when')),
                ('conditions', models.JSONField(blank=True, default=list, verbose_name='if')),
                ('delay_days', models.PositiveSmallIntegerField(default=0, verbose_name='days later')),
                ('effect', models.CharField(max_length=40, verbose_name='then')),
                ('effect_params', models.JSONField(blank=True, default=dict, verbose_name='with')),
                ('whom', models.CharField(default='champion,admin,decider', help_text='Roles in order; at most two people are reached.', max_length=60, verbose_name='whom at the account')),
                ('at_most', models.PositiveSmallIntegerField(default=1, verbose_name='at most people')),
                ('reentry', models.BooleanField(default=False, verbose_name='may reach somebody again')),
                ('enabled', models.BooleanField(default=False, verbose_name='on')),
                ('enabled_from', models.DateTimeField(blank=True, help_text='Signals that occurred before this never fire it.', null=True, verbose_name='for signals since')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='advocates.lifecyclerule')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Firing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(help_text='account:ID or contact:ID', max_length=60)),
                ('occurrence', models.CharField(max_length=200)),
                ('status', models.CharField(choices=[('waiting', 'waiting for its day'), ('done', 'done'), ('refused', 'not done'), ('cancelled', 'cancelled')], default='waiting', max_length=10)),
                ('due_at', models.DateTimeField()),
                ('fired_at', models.DateTimeField(blank=True, null=True)),
                ('reasons', models.JSONField(default=list)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('contact', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='crm.contact')),
                ('signal', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='firings', to='crm.signal')),
                ('rule', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='firings', to='advocates.lifecyclerule')),
            ],
            options={
                'verbose_name': 'firing',
                'indexes': [
                    models.Index(condition=models.Q(('status', 'waiting')), fields=['due_at'], name='firing_waiting'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('rule', 'subject', 'occurrence'), name='firing_once'),
                    models.CheckConstraint(condition=models.Q(('status__in', ['waiting', 'done', 'refused', 'cancelled'])), name='firing_status_known'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Watermark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60, unique=True)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='InvitationTemplate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region', models.CharField(blank=True, default='', max_length=60, verbose_name='region')),
                ('language', models.CharField(default='en', max_length=10, verbose_name='language')),
                ('subject', models.CharField(max_length=150, verbose_name='subject')),
                ('body', models.TextField(help_text='Merge fields: {given_name}, {account}, {program}, {manager}, {company}', verbose_name='text')),
                ('basis', models.CharField(help_text='Why customers of this region may be invited without prior consent.', max_length=300, verbose_name='recorded basis')),
            ],
            options={
                'verbose_name': 'invitation template',
                'constraints': [
                    models.UniqueConstraint(fields=('region', 'language'), name='invitation_template_once'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('status', models.CharField(choices=[('queued', 'queued'), ('sent', 'sent'), ('clicked', 'opened its link'), ('accepted', 'accepted'), ('declined', 'declined'), ('bounced', 'bounced'), ('expired', 'expired'), ('stopped', 'stopped')], default='queued', max_length=10, verbose_name='status')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('clicked_at', models.DateTimeField(blank=True, null=True)),
                ('answered_at', models.DateTimeField(blank=True, null=True)),
                ('expires_at', models.DateTimeField()),
                ('reminders', models.PositiveSmallIntegerField(default=0)),
                ('advocate', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='advocates.advocate')),
                ('firing', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='invitations', to='advocates.firing')),
                ('invited_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('template', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='advocates.invitationtemplate')),
            ],
            options={
                'verbose_name': 'invitation',
                'indexes': [
                    models.Index(fields=['status', 'sent_at'], name='invitation_status'),
                ],
                'constraints': [
                    models.UniqueConstraint(condition=models.Q(('status__in', ['queued', 'sent', 'clicked'])), fields=('advocate',), name='invitation_one_open'),
                    models.CheckConstraint(condition=models.Q(('status__in', ['queued', 'sent', 'clicked', 'accepted', 'declined', 'bounced', 'expired', 'stopped'])), name='invitation_status_known'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Application',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('email', models.EmailField(max_length=254, verbose_name='e-mail')),
                ('given_name', models.CharField(max_length=100, verbose_name='given name')),
                ('family_name', models.CharField(max_length=100, verbose_name='family name')),
                ('company', models.CharField(max_length=200, verbose_name='company')),
                ('title', models.CharField(blank=True, default='', max_length=150, verbose_name='title')),
                ('region', models.CharField(blank=True, default='', max_length=60, verbose_name='region')),
                ('language', models.CharField(default='en', max_length=10, verbose_name='language')),
                ('time_zone', models.CharField(blank=True, default='', max_length=50, verbose_name='time zone')),
                ('type', models.CharField(blank=True, choices=[('educator', 'Educator'), ('validator', 'Validator'), ('status_seeker', 'Status seeker'), ('collaborator', 'Collaborator')], default='', max_length=15, verbose_name='type')),
                ('thanks', models.CharField(blank=True, choices=[('note', 'a personal note'), ('gift', 'swag or a gift card'), ('access', 'exclusive access'), ('career', 'career opportunities')], default='', max_length=10, verbose_name='likes to be thanked with')),
                ('why', models.TextField(blank=True, default='', verbose_name='what they hope for')),
                ('consents', models.JSONField(blank=True, default=dict, help_text='Purpose and the very words that were ticked.', verbose_name='consents ticked')),
                ('status', models.CharField(choices=[('filed', 'address not confirmed'), ('confirmed', 'to be read'), ('accepted', 'accepted'), ('declined', 'declined')], default='filed', max_length=10, verbose_name='status')),
                ('filed_at', models.DateTimeField(verbose_name='filed')),
                ('confirmed_at', models.DateTimeField(blank=True, null=True, verbose_name='address confirmed')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided')),
                ('reason', models.CharField(blank=True, default='', max_length=300, verbose_name='reason')),
                ('advocate', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='applications', to='advocates.advocate')),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'application',
                'indexes': [
                    models.Index(fields=['status', '-filed_at'], name='application_status'),
                ],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('status__in', ['filed', 'confirmed', 'accepted', 'declined'])), name='application_status_known'),
                    models.CheckConstraint(condition=models.Q(models.Q(('status', 'confirmed'), _negated=True), ('confirmed_at__isnull', False), _connector='OR'), name='application_confirmed_has_time'),
                ],
            },
        ),
        migrations.CreateModel(
            name='PointEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('points', models.IntegerField(verbose_name='points')),
                ('reason', models.CharField(max_length=200, verbose_name='for')),
                ('source_type', models.CharField(max_length=40)),
                ('source_id', models.CharField(max_length=60)),
                ('at', models.DateTimeField(verbose_name='at')),
                ('advocate', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='points', to='advocates.advocate')),
            ],
            options={
                'verbose_name': 'points',
                'verbose_name_plural': 'points',
                'indexes': [
                    models.Index(fields=['advocate', '-at'], name='points_advocate'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('advocate', 'source_type', 'source_id', 'reason'), name='points_once'),
                ],
                'triggers': [
                    pgtrigger.compiler.Trigger(name='points_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='05c649a3c6cd6c1f4fb8ea6476f7b609052f3e23', operation='UPDATE OR DELETE', pgid='pgtrigger_points_append_only_60d7d', table='advocates_pointentry', when='BEFORE')),
                ],
            },
        ),
        migrations.CreateModel(
            name='Tier',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=40, unique=True, verbose_name='name')),
                ('from_points', models.PositiveIntegerField(unique=True, verbose_name='from points')),
                ('brings', models.CharField(blank=True, default='', max_length=200, verbose_name='what it brings')),
            ],
            options={
                'verbose_name': 'tier',
                'ordering': ['from_points'],
                'triggers': [
                    pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "advocates_tierevent" ("brings", "from_points", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."brings", NEW."from_points", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id"); RETURN NULL;', hash='dd0eccf03868ba4e075d635539420cb61ee590f8', operation='INSERT', pgid='pgtrigger_insert_insert_74bb9', table='advocates_tier', when='AFTER')),
                    pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "advocates_tierevent" ("brings", "from_points", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."brings", NEW."from_points", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id"); RETURN NULL;', hash='9b5d89536166b8ca69b57fea67337914f55ecb53', operation='UPDATE', pgid='pgtrigger_update_update_6782e', table='advocates_tier', when='AFTER')),
                ],
            },
        ),
        migrations.CreateModel(
            name='TierEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('name', models.CharField(max_length=40, verbose_name='name')),
                ('from_points', models.PositiveIntegerField(verbose_name='from points')),
                ('brings', models.CharField(blank=True, default='', max_length=200, verbose_name='what it brings')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='advocates.tier')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Recognition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('spotlight', 'spotlight'), ('award', 'award'), ('badge', 'badge'), ('thanks', 'thank-you')], default='spotlight', max_length=10, verbose_name='kind')),
                ('title', models.CharField(max_length=150, verbose_name='title')),
                ('text', models.TextField(blank=True, default='', verbose_name='text')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('approved_at', models.DateTimeField(blank=True, null=True, verbose_name='approved by the celebrated')),
                ('declined_at', models.DateTimeField(blank=True, null=True, verbose_name='declined by the celebrated')),
                ('advocate', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recognitions', to='advocates.advocate')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'recognition',
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('approved_at__isnull', True), ('declined_at__isnull', True), _connector='OR'), name='recognition_one_answer'),
                ],
                'triggers': [
                    pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "advocates_recognitionevent" ("advocate_id", "approved_at", "by_id", "created_at", "declined_at", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "text", "title") VALUES (NEW."advocate_id", NEW."approved_at", NEW."by_id", NEW."created_at", NEW."declined_at", NEW."id", NEW."kind", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."text", NEW."title"); RETURN NULL;', hash='5508a8315bbceecd8b8c48b642a6824b5f306446', operation='INSERT', pgid='pgtrigger_insert_insert_06e71', table='advocates_recognition', when='AFTER')),
                    pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "advocates_recognitionevent" ("advocate_id", "approved_at", "by_id", "created_at", "declined_at", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "text", "title") VALUES (NEW."advocate_id", NEW."approved_at", NEW."by_id", NEW."created_at", NEW."declined_at", NEW."id", NEW."kind", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."text", NEW."title"); RETURN NULL;', hash='cc6c50bc43ceaab9319fbd4a12452d6c6b1c76e5', operation='UPDATE', pgid='pgtrigger_update_update_3bd7c', table='advocates_recognition', when='AFTER')),
                ],
            },
        ),
        migrations.CreateModel(
            name='RecognitionEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('kind', models.CharField(choices=[('spotlight', 'spotlight'), ('award', 'award'), ('badge', 'badge'), ('thanks', 'thank-you')], default='spotlight', max_length=10, verbose_name='kind')),
                ('title', models.CharField(max_length=150, verbose_name='title')),
                ('text', models.TextField(blank=True, default='', verbose_name='text')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('approved_at', models.DateTimeField(blank=True, null=True, verbose_name='approved by the celebrated')),
                ('declined_at', models.DateTimeField(blank=True, null=True, verbose_name='declined by the celebrated')),
                ('advocate', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='advocates.advocate')),
                ('by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='advocates.recognition')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Task',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('care', 'care'), ('nurture', 'nurture'), ('thank', 'thank'), ('find', 'find somebody'), ('other', 'other')], max_length=10, verbose_name='kind')),
                ('key', models.CharField(help_text='What it is about, so that the same news opens one task.', max_length=200, unique=True)),
                ('text', models.CharField(max_length=300, verbose_name='what')),
                ('due_at', models.DateTimeField(verbose_name='due')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('done_at', models.DateTimeField(blank=True, null=True, verbose_name='done')),
                ('account', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='crm.account')),
                ('advocate', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='advocates.advocate')),
                ('assignee', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='tasks', to=settings.AUTH_USER_MODEL)),
                ('done_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'task',
                'indexes': [
                    models.Index(condition=models.Q(('done_at__isnull', True)), fields=['assignee', 'due_at'], name='task_open'),
                ],
                'triggers': [
                    pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "advocates_taskevent" ("account_id", "advocate_id", "assignee_id", "created_at", "done_at", "done_by_id", "due_at", "id", "key", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "text") VALUES (NEW."account_id", NEW."advocate_id", NEW."assignee_id", NEW."created_at", NEW."done_at", NEW."done_by_id", NEW."due_at", NEW."id", NEW."key", NEW."kind", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."text"); RETURN NULL;', hash='fdb98e656acc3aa523f8578019abe0c1a954be6d', operation='INSERT', pgid='pgtrigger_insert_insert_63f54', table='advocates_task', when='AFTER')),
                    pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "advocates_taskevent" ("account_id", "advocate_id", "assignee_id", "created_at", "done_at", "done_by_id", "due_at", "id", "key", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "text") VALUES (NEW."account_id", NEW."advocate_id", NEW."assignee_id", NEW."created_at", NEW."done_at", NEW."done_by_id", NEW."due_at", NEW."id", NEW."key", NEW."kind", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."text"); RETURN NULL;', hash='6b245bed752dda8fff62fa7a027784e9081c9834', operation='UPDATE', pgid='pgtrigger_update_update_80018', table='advocates_task', when='AFTER')),
                ],
            },
        ),
        migrations.CreateModel(
            name='TaskEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('kind', models.CharField(choices=[('care', 'care'), ('nurture', 'nurture'), ('thank', 'thank'), ('find', 'find somebody'), ('other', 'other')], max_length=10, verbose_name='kind')),
                ('key', models.CharField(help_text='What it is about, so that the same news opens one task.', max_length=200)),
                ('text', models.CharField(max_length=300, verbose_name='what')),
                ('due_at', models.DateTimeField(verbose_name='due')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('done_at', models.DateTimeField(blank=True, null=True, verbose_name='done')),
                ('account', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='crm.account')),
                ('advocate', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='advocates.advocate')),
                ('assignee', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('done_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='advocates.task')),
            ],
            options={
                'abstract': False,
            },
        ),
    ]
