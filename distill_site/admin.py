"""The admin site: staff see the records of their projects, superusers all; runs start from a project's actions."""

from django.contrib.admin import AdminSite


class DistillAdminSite(AdminSite):
    site_header = "Nexa Distill administration"
    site_title = "Nexa Distill"
    index_title = "Records"
