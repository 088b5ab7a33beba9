"""Addresses of the review and resolve pages."""

urlpatterns = []
