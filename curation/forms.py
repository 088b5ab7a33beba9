"""Forms of the project pages."""

from django import forms

from .models import Project


class ProjectCreateForm(forms.ModelForm):
    """A new project needs a name; everything else has a default and is changed in its settings."""

    class Meta:
        model = Project
        fields = ["name"]

    def save(self, commit=True):
        self.instance.slug = Project.free_slug(self.cleaned_data["name"])
        return super().save(commit)
