"""The kept counts of projects that were there before: prompts by state, decisions by reviewer, and `Prompt.given`."""

from datetime import UTC

from django.db import migrations, models
from django.db.models import Count, Exists, OuterRef, Subquery, Sum
from django.db.models.functions import TruncDate


def count(apps, schema_editor):
    """One statement over all prompts, one over all decisions, one over the prompts to review that have any."""
    _states(apps)
    _decisions(apps)
    _given(apps)


def _states(apps):
    Tally, Prompt = apps.get_model("curation", "Tally"), apps.get_model("curation", "Prompt")
    rows = Prompt.objects.order_by().values_list("project", "state").annotate(n=Count("pk"))
    Tally.objects.bulk_create(Tally(project_id=p, kind="state", key=state, number=n) for p, state, n in rows)


def _decisions(apps):
    Tally, Annotation = apps.get_model("curation", "Tally"), apps.get_model("curation", "Annotation")
    rows = Annotation.objects.filter(purpose="review", current=True).order_by()
    rows = rows.annotate(day=TruncDate("created_at", tzinfo=UTC))
    rows = rows.values_list("response__prompt__project", "reviewer", "action", "day")
    Tally.objects.bulk_create(
        [
            Tally(project_id=p, kind="decision", user_id=user, key=action, day=day, number=n, seconds=seconds)
            for p, user, action, day, n, seconds in rows.annotate(n=Count("pk"), s=Sum("seconds"))
        ],
        batch_size=1000,
    )


def _given(apps):
    Annotation, Prompt = apps.get_model("curation", "Annotation"), apps.get_model("curation", "Prompt")
    current = Annotation.objects.filter(response=OuterRef("current_response"), purpose="review", current=True)
    number = current.order_by().values("response").annotate(n=Count("pk")).values("n")
    Prompt.objects.filter(Exists(current), state="to_review").update(given=Subquery(number))


def forget(apps, schema_editor):
    """Back to no kept counts."""
    apps.get_model("curation", "Tally").objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [("curation", "0004_review_workbench")]

    operations = [
        migrations.AddIndex(
            model_name="annotation",
            index=models.Index(fields=["reviewer", "created_at"], name="curation_an_reviewe_32d0b4_idx"),
        ),
        migrations.AddIndex(
            model_name="annotation",
            index=models.Index(fields=["reviewer", "idempotency_key"], name="curation_an_reviewe_741ace_idx"),
        ),
        migrations.AddIndex(
            model_name="prompt",
            index=models.Index(fields=["project", "id"], name="curation_pr_project_9b1330_idx"),
        ),
        migrations.RunPython(count, forget),
    ]
