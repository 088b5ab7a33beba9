"""Addresses of the curation pages."""

urlpatterns = []
