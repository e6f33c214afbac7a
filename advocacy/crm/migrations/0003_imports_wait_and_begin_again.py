from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0002_promised_working_days'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='importrun',
            name='import_status_known',
        ),
        migrations.AddField(
            model_name='importrun',
            name='attempt',
            field=models.PositiveSmallIntegerField(default=0, help_text='How often it was begun; only the last counts.'),
        ),
        migrations.AddField(
            model_name='importrun',
            name='phase',
            field=models.CharField(blank=True, default='', max_length=10),
        ),
        migrations.AlterField(
            model_name='importrun',
            name='status',
            field=models.CharField(choices=[('uploaded', 'waiting for you'), ('queued', 'waiting to start'), ('running', 'running'), ('done', 'done'), ('failed', 'failed'), ('cancelled', 'cancelled')], default='uploaded', max_length=10, verbose_name='status'),
        ),
        migrations.AddIndex(
            model_name='importrun',
            index=models.Index(condition=models.Q(('status__in', ['queued', 'running'])), fields=['id'], name='import_under_way'),
        ),
        migrations.AddConstraint(
            model_name='importrun',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['uploaded', 'queued', 'running', 'done', 'failed', 'cancelled'])), name='import_status_known'),
        ),
    ]
