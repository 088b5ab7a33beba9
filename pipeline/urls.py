"""Addresses of the run pages."""

urlpatterns = []
