"""Addresses of the run, import, release, quality and template pages."""

from django.urls import path

from .views import failures, imports, quality, quality_gate, releases, run_again, run_start, runs, teachers, templates
from .views import quality_filters as filters_page
from .views import quality_filters_change as filters_change

urlpatterns = [
    path("teachers/", teachers.teacher_list, name="teacher_list"),
    path("teachers/<int:pk>/", teachers.teacher_detail, name="teacher_detail"),
    path("teachers/<int:pk>/test/", teachers.teacher_test, name="teacher_test"),
    path("p/<slug:slug>/import/", imports.import_upload, name="import_upload"),
    path("p/<slug:slug>/import/<str:upload>/", imports.import_map, name="import_map"),
    path("p/<slug:slug>/runs/", runs.run_list, name="run_list"),
    path("p/<slug:slug>/runs/start/", run_start.run_start, name="run_start"),
    path("p/<slug:slug>/runs/quote/", run_start.run_quote, name="run_quote"),
    path("p/<slug:slug>/runs/again/", run_again.run_again, name="run_again"),
    path("p/<slug:slug>/runs/reparse/", run_again.run_reparse, name="run_reparse"),
    path("p/<slug:slug>/runs/<int:pk>/", runs.run_detail, name="run_detail"),
    path("p/<slug:slug>/runs/<int:pk>/progress/", runs.run_progress, name="run_progress"),
    path("p/<slug:slug>/runs/<int:pk>/cancel/", runs.run_cancel, name="run_cancel"),
    path("p/<slug:slug>/runs/<int:pk>/rejects/", runs.run_rejects, name="run_rejects"),
    path("p/<slug:slug>/failed/", failures.failed_list, name="failed_list"),
    path("p/<slug:slug>/failed/retry/", failures.failed_retry, name="failed_retry"),
    path("p/<slug:slug>/failed/export/", failures.failed_export, name="failed_export"),
    path("p/<slug:slug>/quality/", quality.quality, name="quality"),
    path("p/<slug:slug>/quality/filters/", filters_page.quality_filters, name="quality_filters"),
    path("p/<slug:slug>/quality/filters/try/", filters_page.quality_filters_try, name="quality_filters_try"),
    path(
        "p/<slug:slug>/quality/filters/rules/<str:rule>/",
        filters_page.quality_filters_rule,
        name="quality_filters_rule",
    ),
    path("p/<slug:slug>/quality/filters/apply/", filters_change.quality_filters_apply, name="quality_filters_apply"),
    path("p/<slug:slug>/quality/filters/upload/", filters_change.quality_filters_upload, name="quality_filters_upload"),
    path("p/<slug:slug>/quality/filters/filters.yaml", filters_change.filters_yaml, name="filters_yaml"),
    path(
        "p/<slug:slug>/quality/filters/versions/",
        filters_change.quality_filters_versions,
        name="quality_filters_versions",
    ),
    path("p/<slug:slug>/quality/gate/", quality_gate.quality_gate, name="quality_gate"),
    path("p/<slug:slug>/quality/gate/try/", quality_gate.quality_gate_try, name="quality_gate_try"),
    path("p/<slug:slug>/quality/gate/plots/", quality_gate.quality_gate_plots, name="quality_gate_plots"),
    path("p/<slug:slug>/quality/gate/apply/", quality_gate.quality_gate_apply, name="quality_gate_apply"),
    path("p/<slug:slug>/releases/", releases.release_list, name="release_list"),
    path("p/<slug:slug>/releases/new/", releases.release_create, name="release_create"),
    path("p/<slug:slug>/releases/<int:version>/", releases.release_detail, name="release_detail"),
    path("p/<slug:slug>/releases/<int:version>/files/<path:path>", releases.release_file, name="release_file"),
    path("p/<slug:slug>/templates/", templates.template_list, name="template_list"),
    path("p/<slug:slug>/templates/<path:name>/", templates.template_edit, name="template_edit"),
]
