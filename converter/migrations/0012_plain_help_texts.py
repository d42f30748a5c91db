"""Say in plainer words what fields are: the state of Django only, no table changes."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('converter', '0011_message_params'),
    ]

    operations = [
        migrations.AlterField(
            model_name='batch',
            name='outputs',
            field=models.JSONField(help_text='The requested recipes, in canonical form.'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='answer',
            field=models.CharField(blank=True, help_text='Start of the response, or the error.', max_length=500),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='body',
            field=models.TextField(help_text='Request body, as JSON.'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='due_at',
            field=models.DateTimeField(blank=True, help_text='Time of the next attempt. Empty if there is none.', null=True),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='subject',
            field=models.CharField(help_text='What the event is about. Sent once to each webhook.', max_length=100),
        ),
        migrations.AlterField(
            model_name='idempotencykey',
            name='status',
            field=models.PositiveSmallIntegerField(blank=True, help_text='Empty while the request is running.', null=True),
        ),
        migrations.AlterField(
            model_name='job',
            name='asked_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='When a worker was last asked to run this job.', null=True),
        ),
        migrations.AlterField(
            model_name='job',
            name='milliseconds',
            field=models.PositiveIntegerField(blank=True, help_text='Processing time in the engine.', null=True),
        ),
        migrations.AlterField(
            model_name='job',
            name='output_format',
            field=models.CharField(editable=False, help_text='As requested.', max_length=10),
        ),
        migrations.AlterField(
            model_name='job',
            name='position',
            field=models.PositiveIntegerField(default=0, help_text='Position in the batch.'),
        ),
        migrations.AlterField(
            model_name='job',
            name='recipe',
            field=models.JSONField(help_text='In canonical form.'),
        ),
        migrations.AlterField(
            model_name='job',
            name='versions',
            field=models.JSONField(blank=True, help_text='Library versions used for the result.', null=True),
        ),
        migrations.AlterField(
            model_name='logo',
            name='name',
            field=models.CharField(help_text='Name given by the owner.', max_length=255),
        ),
        migrations.AlterField(
            model_name='preferences',
            name='recipe',
            field=models.ForeignKey(blank=True, help_text='Default recipe for new conversions.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='converter.recipe'),
        ),
        migrations.AlterField(
            model_name='preferences',
            name='retention',
            field=models.DurationField(blank=True, help_text="How long files are kept. Leave empty for the site's default.", null=True),
        ),
        migrations.AlterField(
            model_name='quota',
            name='bytes_kept',
            field=models.PositiveBigIntegerField(blank=True, help_text="0 for no limit. Leave empty for the site's default.", null=True),
        ),
        migrations.AlterField(
            model_name='quota',
            name='jobs_a_day',
            field=models.PositiveIntegerField(blank=True, help_text="0 for no limit. Leave empty for the site's default.", null=True),
        ),
        migrations.AlterField(
            model_name='ratelimit',
            name='caught_up_at',
            field=models.FloatField(help_text='When the caller is back within the rate, in seconds since 1970.'),
        ),
        migrations.AlterField(
            model_name='recipe',
            name='recipe',
            field=models.JSONField(help_text='In canonical form.'),
        ),
        migrations.AlterField(
            model_name='recipelink',
            name='hash',
            field=models.CharField(help_text="First characters of the recipe's hash.", max_length=16),
        ),
        migrations.AlterField(
            model_name='recipelink',
            name='recipe',
            field=models.JSONField(help_text='In canonical form.'),
        ),
        migrations.AlterField(
            model_name='share',
            name='opened',
            field=models.PositiveIntegerField(default=0, help_text='How often others have opened the link.'),
        ),
        migrations.AlterField(
            model_name='upload',
            name='name',
            field=models.CharField(help_text='Name given by the owner.', max_length=255),
        ),
        migrations.AlterField(
            model_name='upload',
            name='size',
            field=models.PositiveBigIntegerField(help_text='In bytes. 0 while it is being fetched.'),
        ),
        migrations.AlterField(
            model_name='upload',
            name='source_url',
            field=models.CharField(blank=True, editable=False, help_text='The source, if imported by URL.', max_length=2000),
        ),
        migrations.AlterField(
            model_name='webhook',
            name='events',
            field=models.JSONField(help_text='Subscribed events.'),
        ),
    ]
