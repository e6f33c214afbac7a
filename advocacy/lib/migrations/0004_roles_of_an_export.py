from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lib', '0003_long_exports'),
    ]

    operations = [
        migrations.AddField(
            model_name='longexport',
            name='roles',
            field=models.CharField(blank=True, default='', max_length=200),
        ),
    ]
