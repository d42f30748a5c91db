from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('converter', '0017_configuration'),
    ]

    operations = [
        migrations.AddField(
            model_name='webhook',
            name='language',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=10),
        ),
    ]
