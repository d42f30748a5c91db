from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('converter', '0015_names'),
    ]

    operations = [
        migrations.AddField(
            model_name='job',
            name='result_etag',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=80),
        ),
    ]
