"""The curation app: the record and the people's side of the product."""

from django.apps import AppConfig


class CurationConfig(AppConfig):
    name = "curation"
