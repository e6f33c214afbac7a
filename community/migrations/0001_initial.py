"""Spaces, topics and their moderation. The triggers in a model's options are installed as its table is made."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('pghistory', '0007_auto_20250421_0444'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Space',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(unique=True, verbose_name='slug')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('purpose', models.CharField(blank=True, default='', max_length=300, verbose_name='what it is for')),
                ('charter', models.TextField(blank=True, default='', verbose_name='charter')),
                ('region', models.CharField(blank=True, default='', max_length=60, verbose_name='region')),
                ('language', models.CharField(blank=True, default='', max_length=10, verbose_name='language')),
                ('is_open', models.BooleanField(default=True, verbose_name='open')),
                ('order', models.PositiveSmallIntegerField(default=100)),
                ('host', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='hosted_spaces', to=settings.AUTH_USER_MODEL, verbose_name='host')),
                ('welcomes', models.BooleanField(default=False, help_text='One space at most; newcomers are shown the way.', verbose_name='newcomers say hello here')),
            ],
            options={
                'verbose_name': 'space',
                'ordering': ['order', 'name'],
                'constraints': [
                    models.UniqueConstraint(condition=models.Q(('welcomes', True)), fields=('welcomes',), name='space_one_welcomes'),
                ],
                'triggers': [
                    pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "community_spaceevent" ("charter", "host_id", "id", "is_open", "language", "name", "order", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose", "region", "slug", "welcomes") VALUES (NEW."charter", NEW."host_id", NEW."id", NEW."is_open", NEW."language", NEW."name", NEW."order", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."purpose", NEW."region", NEW."slug", NEW."welcomes"); RETURN NULL;', hash='4b9b99f5ca4edce624cd24b3deb88418f5eea709', operation='INSERT', pgid='pgtrigger_insert_insert_b9a71', table='community_space', when='AFTER')),
                    pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "community_spaceevent" ("charter", "host_id", "id", "is_open", "language", "name", "order", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose", "region", "slug", "welcomes") VALUES (NEW."charter", NEW."host_id", NEW."id", NEW."is_open", NEW."language", NEW."name", NEW."order", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."purpose", NEW."region", NEW."slug", NEW."welcomes"); RETURN NULL;', hash='f4c9dd24224c3fcfd1645adff5d26b5ffbcaafa4', operation='UPDATE', pgid='pgtrigger_update_update_53825', table='community_space', when='AFTER')),
                ],
            },
        ),
        migrations.CreateModel(
            name='SpaceEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('slug', models.SlugField(db_index=False, verbose_name='slug')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('purpose', models.CharField(blank=True, default='', max_length=300, verbose_name='what it is for')),
                ('charter', models.TextField(blank=True, default='', verbose_name='charter')),
                ('region', models.CharField(blank=True, default='', max_length=60, verbose_name='region')),
                ('language', models.CharField(blank=True, default='', max_length=10, verbose_name='language')),
                ('is_open', models.BooleanField(default=True, verbose_name='open')),
                ('order', models.PositiveSmallIntegerField(default=100)),
                ('host', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL, verbose_name='host')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='community.space')),
                ('welcomes', models.BooleanField(default=False, help_text='One space at most; newcomers are shown the way.', verbose_name='newcomers say hello here')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Topic',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('body', models.TextField(verbose_name='text')),
                ('html', models.TextField(editable=False)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('edited_at', models.DateTimeField(blank=True, null=True)),
                ('hidden_at', models.DateTimeField(blank=True, null=True)),
                ('hidden_reason', models.CharField(blank=True, default='', max_length=300)),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('type', models.CharField(choices=[('discussion', 'discussion'), ('question', 'question'), ('announcement', 'announcement'), ('challenge', 'challenge'), ('story', 'story'), ('spotlight', 'spotlight'), ('resource', 'resource'), ('event', 'event')], default='discussion', max_length=12, verbose_name='type')),
                ('title', models.CharField(max_length=150, verbose_name='title')),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None, verbose_name='tags')),
                ('locked_at', models.DateTimeField(blank=True, null=True)),
                ('pinned', models.BooleanField(default=False, verbose_name='pinned')),
                ('last_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('number_of_replies', models.PositiveIntegerField(default=0)),
                ('search', models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.SearchVector('title', config='simple', weight='A'), '||', django.contrib.postgres.search.SearchVector('body', config='simple', weight='B'), django.contrib.postgres.search.SearchConfig('simple')), output_field=django.contrib.postgres.search.SearchVectorField())),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('hidden_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('space', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='topics', to='community.space')),
                ('last_reply', models.BigIntegerField(default=0, help_text='The newest visible reply; what unread is counted from.')),
                ('key', models.UUIDField(editable=False, help_text='Given by the form: the same post sent twice is one.', null=True, unique=True)),
            ],
            options={
                'verbose_name': 'topic',
                'indexes': [
                    models.Index(fields=['space', '-last_at', '-id'], name='topic_space'),
                    models.Index(fields=['-last_at', '-id'], name='topic_last'),
                    django.contrib.postgres.indexes.GinIndex(fields=['search'], name='topic_search'),
                    models.Index(fields=['author', '-at'], name='topic_author'),
                ],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('type__in', ['discussion', 'question', 'announcement', 'challenge', 'story', 'spotlight', 'resource', 'event'])), name='topic_type_known'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Reply',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('body', models.TextField(verbose_name='text')),
                ('html', models.TextField(editable=False)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('edited_at', models.DateTimeField(blank=True, null=True)),
                ('hidden_at', models.DateTimeField(blank=True, null=True)),
                ('hidden_reason', models.CharField(blank=True, default='', max_length=300)),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('hidden_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('topic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='replies', to='community.topic')),
                ('search', models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.SearchVector('body', config='simple'), output_field=django.contrib.postgres.search.SearchVectorField())),
                ('key', models.UUIDField(editable=False, help_text='Given by the form: the same post sent twice is one.', null=True, unique=True)),
            ],
            options={
                'verbose_name': 'reply',
                'verbose_name_plural': 'replies',
                'indexes': [
                    models.Index(fields=['topic', 'id'], name='reply_topic'),
                    models.Index(fields=['author', '-at'], name='reply_author'),
                    django.contrib.postgres.indexes.GinIndex(fields=['search'], name='reply_search'),
                ],
                'triggers': [
                    pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "community_replyevent" ("at", "author_id", "body", "edited_at", "hidden_at", "hidden_by_id", "hidden_reason", "id", "key", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "topic_id") VALUES (NEW."at", NEW."author_id", NEW."body", NEW."edited_at", NEW."hidden_at", NEW."hidden_by_id", NEW."hidden_reason", NEW."id", NEW."key", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."topic_id"); RETURN NULL;', hash='cf6f0c2977c2741248445badd9cba6662a3704df', operation='INSERT', pgid='pgtrigger_insert_insert_088c3', table='community_reply', when='AFTER')),
                    pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."at" IS DISTINCT FROM (NEW."at") OR OLD."author_id" IS DISTINCT FROM (NEW."author_id") OR OLD."body" IS DISTINCT FROM (NEW."body") OR OLD."edited_at" IS DISTINCT FROM (NEW."edited_at") OR OLD."hidden_at" IS DISTINCT FROM (NEW."hidden_at") OR OLD."hidden_by_id" IS DISTINCT FROM (NEW."hidden_by_id") OR OLD."hidden_reason" IS DISTINCT FROM (NEW."hidden_reason") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."key" IS DISTINCT FROM (NEW."key") OR OLD."topic_id" IS DISTINCT FROM (NEW."topic_id"))', func='INSERT INTO "community_replyevent" ("at", "author_id", "body", "edited_at", "hidden_at", "hidden_by_id", "hidden_reason", "id", "key", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "topic_id") VALUES (NEW."at", NEW."author_id", NEW."body", NEW."edited_at", NEW."hidden_at", NEW."hidden_by_id", NEW."hidden_reason", NEW."id", NEW."key", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."topic_id"); RETURN NULL;', hash='6baaec9ae6a3a8e44b033d49d07d914b8f8f0573', operation='UPDATE', pgid='pgtrigger_update_update_6b7bc', table='community_reply', when='AFTER')),
                ],
            },
        ),
        migrations.AddField(
            model_name='topic',
            name='accepted',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='community.reply'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='topic',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "community_topicevent" ("accepted_id", "at", "author_id", "body", "edited_at", "hidden_at", "hidden_by_id", "hidden_reason", "id", "key", "locked_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pinned", "public_id", "space_id", "tags", "title", "type") VALUES (NEW."accepted_id", NEW."at", NEW."author_id", NEW."body", NEW."edited_at", NEW."hidden_at", NEW."hidden_by_id", NEW."hidden_reason", NEW."id", NEW."key", NEW."locked_at", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."pinned", NEW."public_id", NEW."space_id", NEW."tags", NEW."title", NEW."type"); RETURN NULL;', hash='717faba0db31c75b8a18842835e2ab23334546e8', operation='INSERT', pgid='pgtrigger_insert_insert_6efd3', table='community_topic', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='topic',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."accepted_id" IS DISTINCT FROM (NEW."accepted_id") OR OLD."at" IS DISTINCT FROM (NEW."at") OR OLD."author_id" IS DISTINCT FROM (NEW."author_id") OR OLD."body" IS DISTINCT FROM (NEW."body") OR OLD."edited_at" IS DISTINCT FROM (NEW."edited_at") OR OLD."hidden_at" IS DISTINCT FROM (NEW."hidden_at") OR OLD."hidden_by_id" IS DISTINCT FROM (NEW."hidden_by_id") OR OLD."hidden_reason" IS DISTINCT FROM (NEW."hidden_reason") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."key" IS DISTINCT FROM (NEW."key") OR OLD."locked_at" IS DISTINCT FROM (NEW."locked_at") OR OLD."pinned" IS DISTINCT FROM (NEW."pinned") OR OLD."public_id" IS DISTINCT FROM (NEW."public_id") OR OLD."space_id" IS DISTINCT FROM (NEW."space_id") OR OLD."tags" IS DISTINCT FROM (NEW."tags") OR OLD."title" IS DISTINCT FROM (NEW."title") OR OLD."type" IS DISTINCT FROM (NEW."type"))', func='INSERT INTO "community_topicevent" ("accepted_id", "at", "author_id", "body", "edited_at", "hidden_at", "hidden_by_id", "hidden_reason", "id", "key", "locked_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pinned", "public_id", "space_id", "tags", "title", "type") VALUES (NEW."accepted_id", NEW."at", NEW."author_id", NEW."body", NEW."edited_at", NEW."hidden_at", NEW."hidden_by_id", NEW."hidden_reason", NEW."id", NEW."key", NEW."locked_at", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."pinned", NEW."public_id", NEW."space_id", NEW."tags", NEW."title", NEW."type"); RETURN NULL;', hash='2f1648ec710cac738eea42225e23f4ee3f324b1a', operation='UPDATE', pgid='pgtrigger_update_update_951af', table='community_topic', when='AFTER')),
        ),
        migrations.CreateModel(
            name='TopicEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('body', models.TextField(verbose_name='text')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('edited_at', models.DateTimeField(blank=True, null=True)),
                ('hidden_at', models.DateTimeField(blank=True, null=True)),
                ('hidden_reason', models.CharField(blank=True, default='', max_length=300)),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('type', models.CharField(choices=[('discussion', 'discussion'), ('question', 'question'), ('announcement', 'announcement'), ('challenge', 'challenge'), ('story', 'story'), ('spotlight', 'spotlight'), ('resource', 'resource'), ('event', 'event')], default='discussion', max_length=12, verbose_name='type')),
                ('title', models.CharField(max_length=150, verbose_name='title')),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None, verbose_name='tags')),
                ('locked_at', models.DateTimeField(blank=True, null=True)),
                ('pinned', models.BooleanField(default=False, verbose_name='pinned')),
                ('accepted', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='community.reply')),
                ('author', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('hidden_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='community.topic')),
                ('space', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='community.space')),
                ('key', models.UUIDField(editable=False, help_text='Given by the form: the same post sent twice is one.', null=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ReplyEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('body', models.TextField(verbose_name='text')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('edited_at', models.DateTimeField(blank=True, null=True)),
                ('hidden_at', models.DateTimeField(blank=True, null=True)),
                ('hidden_reason', models.CharField(blank=True, default='', max_length=300)),
                ('author', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('hidden_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='community.reply')),
                ('topic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='community.topic')),
                ('key', models.UUIDField(editable=False, help_text='Given by the form: the same post sent twice is one.', null=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ReadMark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('last_reply', models.BigIntegerField(default=0)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('topic', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='community.topic')),
                ('follows', models.BooleanField(default=False)),
            ],
            options={
                'indexes': [
                    models.Index(condition=models.Q(('follows', True)), fields=['topic'], name='read_mark_follows'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('user', 'topic'), name='read_mark_once'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Reader',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('read_until', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Reaction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('reply', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='reactions', to='community.reply')),
                ('topic', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='reactions', to='community.topic')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(condition=models.Q(('topic__isnull', False)), fields=('user', 'topic'), name='reaction_topic_once'),
                    models.UniqueConstraint(condition=models.Q(('reply__isnull', False)), fields=('user', 'reply'), name='reaction_reply_once'),
                    models.CheckConstraint(condition=models.Q(models.Q(('reply__isnull', True), ('topic__isnull', False)), models.Q(('reply__isnull', False), ('topic__isnull', True)), _connector='OR'), name='reaction_of_one'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Flag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=300, verbose_name='reason')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('decision', models.CharField(choices=[('open', 'open'), ('kept', 'kept'), ('hidden', 'hidden')], default='open', max_length=6, verbose_name='decision')),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('reply', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='flags', to='community.reply')),
                ('topic', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='flags', to='community.topic')),
            ],
            options={
                'verbose_name': 'flag',
                'indexes': [
                    models.Index(condition=models.Q(('decision', 'open')), fields=['at'], name='flag_open'),
                ],
                'constraints': [
                    models.UniqueConstraint(condition=models.Q(('topic__isnull', False)), fields=('by', 'topic'), name='flag_topic_once'),
                    models.UniqueConstraint(condition=models.Q(('reply__isnull', False)), fields=('by', 'reply'), name='flag_reply_once'),
                    models.CheckConstraint(condition=models.Q(models.Q(('reply__isnull', True), ('topic__isnull', False)), models.Q(('reply__isnull', False), ('topic__isnull', True)), _connector='OR'), name='flag_of_one'),
                    models.CheckConstraint(condition=models.Q(('decision__in', ['open', 'kept', 'hidden'])), name='flag_decision_known'),
                ],
                'triggers': [
                    pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "community_flagevent" ("at", "by_id", "decided_at", "decided_by_id", "decision", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "reply_id", "topic_id") VALUES (NEW."at", NEW."by_id", NEW."decided_at", NEW."decided_by_id", NEW."decision", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."reason", NEW."reply_id", NEW."topic_id"); RETURN NULL;', hash='bca1a2d147f7ef3f766c0525394287b252c4e442', operation='INSERT', pgid='pgtrigger_insert_insert_2d3a9', table='community_flag', when='AFTER')),
                    pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "community_flagevent" ("at", "by_id", "decided_at", "decided_by_id", "decision", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "reply_id", "topic_id") VALUES (NEW."at", NEW."by_id", NEW."decided_at", NEW."decided_by_id", NEW."decision", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."reason", NEW."reply_id", NEW."topic_id"); RETURN NULL;', hash='b8c3594fc4cb5b5bda7203c59767cf45050b8f4b', operation='UPDATE', pgid='pgtrigger_update_update_78e5b', table='community_flag', when='AFTER')),
                ],
            },
        ),
        migrations.CreateModel(
            name='FlagEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('reason', models.CharField(max_length=300, verbose_name='reason')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('decision', models.CharField(choices=[('open', 'open'), ('kept', 'kept'), ('hidden', 'hidden')], default='open', max_length=6, verbose_name='decision')),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('by', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('decided_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='community.flag')),
                ('reply', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='community.reply')),
                ('topic', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='community.topic')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ModerationEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('act', models.CharField(choices=[('kept', 'kept'), ('hidden', 'hidden'), ('restored', 'shown again'), ('locked', 'locked'), ('unlocked', 'opened again'), ('pinned', 'pinned'), ('unpinned', 'no longer pinned')], max_length=10, verbose_name='what')),
                ('reason', models.CharField(blank=True, default='', max_length=300, verbose_name='reason')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('reply', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='moderation', to='community.reply')),
                ('topic', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='moderation', to='community.topic')),
            ],
            options={
                'verbose_name': 'act of moderation',
                'verbose_name_plural': 'acts of moderation',
                'indexes': [
                    models.Index(fields=['-at', '-id'], name='moderation_at'),
                ],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('act__in', ['kept', 'hidden', 'restored', 'locked', 'unlocked', 'pinned', 'unpinned'])), name='moderation_act_known'),
                ],
                'triggers': [
                    pgtrigger.compiler.Trigger(name='moderation_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='21cec6b2ee2d26407479e320c8f9d61bfc4e3327', operation='UPDATE OR DELETE', pgid='pgtrigger_moderation_append_only_b40ed', table='community_moderationentry', when='BEFORE')),
                ],
            },
        ),
        migrations.CreateModel(
            name='Norms',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField(verbose_name='norms')),
            ],
            options={
                'verbose_name': 'community norms',
                'verbose_name_plural': 'community norms',
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('pk', 1)), name='norms_one_row'),
                ],
                'triggers': [
                    pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "community_normsevent" ("id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "text") VALUES (NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."text"); RETURN NULL;', hash='c00faa987f85e61e76fd60ac22afeb8d8c493707', operation='INSERT', pgid='pgtrigger_insert_insert_1a4e2', table='community_norms', when='AFTER')),
                    pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "community_normsevent" ("id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "text") VALUES (NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."text"); RETURN NULL;', hash='86bcce709f32d9535a28f86ff123bd12b98a2156', operation='UPDATE', pgid='pgtrigger_update_update_f40a9', table='community_norms', when='AFTER')),
                ],
            },
        ),
        migrations.CreateModel(
            name='NormsEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('text', models.TextField(verbose_name='norms')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='community.norms')),
            ],
            options={
                'abstract': False,
            },
        ),
    ]
