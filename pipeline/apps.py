"""The pipeline app: what machines do."""

from django.apps import AppConfig


class PipelineConfig(AppConfig):
    name = "pipeline"

    def ready(self):
        """Say what the rules are called, for pages that know rules by their ids alone, and how a queue is ordered."""
        from curation import labels
        from curation.reviewing import ranking
        from pipeline import filters

        ranking.START_RUN.append(_start_ranking)
        labels.RULES.update({rule.id: rule.label for rule in filters.RULES.values()})


def _start_ranking(project, by):
    """Start the run that puts a project's review queue in order; returns a sentence that says so, or why not."""
    from pipeline import jobs

    try:
        run = jobs.start(project, "rank", by=by)
    except jobs.CannotStart as refused:
        return f"What comes to review from now on is in the new order; what waits keeps its own: {refused}"
    return f"{run} puts the queue into the new order."
