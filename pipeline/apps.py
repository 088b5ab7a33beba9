"""The pipeline app: what machines do."""

from django.apps import AppConfig


class PipelineConfig(AppConfig):
    name = "pipeline"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Say what the rules are called, for pages that know rules by their ids alone."""
        from curation import labels
        from pipeline import filters

        labels.RULES.update({rule.id: rule.label for rule in filters.RULES.values()})
