"""Addresses of the curation pages."""

from django.urls import include, path

urlpatterns = [
    path("", include("curation.urls_review")),
]
