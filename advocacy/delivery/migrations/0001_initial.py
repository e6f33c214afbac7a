"""Mail on its way, and notifications."""

import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('crm', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Batch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=60, unique=True)),
                ('status', models.CharField(choices=[('running', 'running'), ('paused', 'paused'), ('stopped', 'stopped')], default='running', max_length=10, verbose_name='status')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'verbose_name': 'run of mail',
                'verbose_name_plural': 'runs of mail',
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('status__in', ['running', 'paused', 'stopped'])), name='mail_batch_status_known'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('kind', models.CharField(max_length=40, verbose_name='kind')),
                ('dedupe_key', models.CharField(max_length=200)),
                ('template', models.CharField(max_length=100, verbose_name='template')),
                ('params', models.JSONField(blank=True, default=dict)),
                ('secret', models.BinaryField(blank=True, null=True)),
                ('to_email', models.EmailField(max_length=254, verbose_name='to')),
                ('to_name', models.CharField(blank=True, default='', max_length=200, verbose_name='name')),
                ('reply_to', models.CharField(blank=True, default='', max_length=320)),
                ('language', models.CharField(default='en', max_length=10)),
                ('time_zone', models.CharField(default='UTC', max_length=50)),
                ('purpose', models.CharField(blank=True, choices=[('program_mail', 'Program mail'), ('newsletter', 'Newsletter'), ('reference_calls', 'Reference calls and e-mails'), ('meeting_prospects', 'Meeting prospects in person'), ('speaking', 'Speaking'), ('name_and_logo', 'Name and logo'), ('quote', 'Being quoted'), ('recording', 'Being recorded'), ('media_analysts', 'Media and analysts'), ('surveys', 'Surveys and feedback'), ('beta_advisory', 'Beta and advisory work'), ('directory', 'Being listed in the directory'), ('introductions', 'Introductions to other customers')], default='', max_length=30, verbose_name='needs consent for')),
                ('basis', models.CharField(blank=True, default='', max_length=40, verbose_name='recorded basis')),
                ('counts', models.BooleanField(default=True, verbose_name='counts for the daily cap')),
                ('batch', models.CharField(blank=True, default='', max_length=60)),
                ('message_id', models.CharField(max_length=200, unique=True)),
                ('status', models.CharField(choices=[('due', 'due'), ('leased', 'leased'), ('sending', 'sending'), ('sent', 'sent'), ('failed', 'failed'), ('in_doubt', 'in doubt'), ('suppressed', 'suppressed'), ('cancelled', 'cancelled')], default='due', max_length=10, verbose_name='status')),
                ('due_at', models.DateTimeField(verbose_name='due')),
                ('leased_until', models.DateTimeField(blank=True, null=True)),
                ('leased_by', models.CharField(blank=True, default='', max_length=80)),
                ('sending_since', models.DateTimeField(blank=True, null=True)),
                ('sent_at', models.DateTimeField(blank=True, null=True, verbose_name='sent')),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('result', models.CharField(blank=True, default='', max_length=500, verbose_name='result')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('contact', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='crm.contact')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='messages', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'message',
                'verbose_name_plural': 'outbox',
                'indexes': [
                    models.Index(condition=models.Q(('status', 'due')), fields=['due_at', 'id'], name='message_due'),
                    models.Index(condition=models.Q(('status__in', ['leased', 'sending'])), fields=['leased_until'], name='message_leased'),
                    models.Index(condition=models.Q(('batch', ''), _negated=True), fields=['batch', 'status'], name='message_batch'),
                    models.Index(fields=['contact', '-sent_at'], name='message_contact'),
                    models.Index(django.db.models.functions.text.Lower('to_email'), name='message_to'),
                    models.Index(condition=models.Q(('batch', ''), ('status', 'due')), fields=['due_at', 'id'], name='message_due_single'),
                    models.Index(condition=models.Q(('status__in', ['failed', 'in_doubt'])), fields=['status', '-id'], name='message_trouble'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('kind', 'dedupe_key'), name='message_once'),
                    models.CheckConstraint(condition=models.Q(('status__in', ['due', 'leased', 'sending', 'sent', 'failed', 'in_doubt', 'suppressed', 'cancelled'])), name='message_status_known'),
                    models.CheckConstraint(condition=models.Q(models.Q(('status', 'sent'), _negated=True), ('sent_at__isnull', False), _connector='OR'), name='message_sent_has_time'),
                    models.CheckConstraint(condition=models.Q(models.Q(('status', 'leased'), _negated=True), ('leased_until__isnull', False), _connector='OR'), name='message_leased_has_end'),
                    models.CheckConstraint(condition=models.Q(models.Q(('status', 'sending'), _negated=True), ('sending_since__isnull', False), _connector='OR'), name='message_sending_has_time'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Suppression',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(max_length=254, verbose_name='address')),
                ('kind', models.CharField(default='*', max_length=40, verbose_name='kind of mail')),
                ('reason', models.CharField(choices=[('unsubscribed', 'unsubscribed'), ('bounced', 'bounced'), ('complained', 'complained'), ('by_hand', 'by hand')], max_length=20, verbose_name='reason')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('note', models.CharField(blank=True, default='', max_length=300)),
            ],
            options={
                'verbose_name': 'suppression',
                'constraints': [
                    models.UniqueConstraint(django.db.models.functions.text.Lower('email'), models.F('kind'), name='suppression_once'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Notification',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=40)),
                ('key', models.CharField(max_length=200)),
                ('text', models.CharField(max_length=300)),
                ('url', models.CharField(blank=True, default='', max_length=300)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('read_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notifications', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [
                    models.Index(fields=['user', '-id'], name='notification_user'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('user', 'kind', 'key'), name='notification_once'),
                ],
            },
        ),
    ]
