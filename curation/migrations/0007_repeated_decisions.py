"""Decisions on repeated items are few among very many: their own index finds them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("curation", "0006_search_index")]

    operations = [
        migrations.AddIndex(
            model_name="annotation",
            index=models.Index(condition=models.Q(("purpose", "repeat")), fields=["id"], name="annotation_repeated"),
        ),
    ]
