"""Addresses of the pages on the quality of reviewing."""

from django.urls import path

from .views import quality_gold, quality_reviewers

urlpatterns = [
    path("p/<slug:slug>/quality/reviewers/", quality_reviewers.quality_reviewers, name="quality_reviewers"),
    path("p/<slug:slug>/quality/gold/", quality_gold.quality_gold, name="quality_gold"),
    path("p/<slug:slug>/prompts/<str:key>/gold/", quality_gold.prompt_gold, name="prompt_gold"),
]
