"""The site's admin: Django's own, under the product's name."""

from django.contrib.admin.apps import AdminConfig


class DistillAdminConfig(AdminConfig):
    default_site = "distill_site.admin.DistillAdminSite"
