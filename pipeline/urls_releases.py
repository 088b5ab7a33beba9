"""Addresses of the release pages, below p/<slug>/releases/."""

from django.urls import path

from .views import release_audits as audits
from .views import release_compare, release_files, release_make, releases

urlpatterns = [
    path("", releases.release_list, name="release_list"),
    path("new/", release_make.release_create, name="release_create"),
    path("new/count/", release_make.release_count, name="release_count"),
    path("recipes/<int:pk>/remove/", release_make.release_recipe_remove, name="release_recipe_remove"),
    path("compare/", release_compare.release_compare, name="release_compare"),
    path("audits/", audits.release_audits, name="release_audits"),
    path("audits/<int:pk>/", audits.release_audit, name="release_audit"),
    path("audits/<int:pk>/next/", audits.release_audit_next, name="release_audit_next"),
    path("audits/<int:pk>/override/", audits.release_audit_override, name="release_audit_override"),
    path("audits/<int:pk>/rows/<str:row_id>/", audits.release_audit_row, name="release_audit_row"),
    path("<int:version>/", releases.release_detail, name="release_detail"),
    path("<int:version>/left-out/", releases.release_left_out, name="release_left_out"),
    path("<int:version>/all.zip", release_files.release_archive, name="release_archive"),
    path("<int:version>/files/<path:path>", release_files.release_file, name="release_file"),
]
