"""The forms of remarks and flags: what is typed stays in them when it cannot be stored."""

from django import forms

from curation.forms_review import new_key
from curation.reviewing.talk import LONGEST_NOTE, LONGEST_REMARK


class AboutForm(forms.Form):
    """Something that is said about one of `prompts`, by default the first."""

    about = forms.ChoiceField(required=False, error_messages={"invalid_choice": "Say it of a prompt of this page."})

    def __init__(self, data=None, *, prompts, **options):
        super().__init__(data, **options)
        self.prompts = {prompt.key: prompt for prompt in prompts}
        self.fields["about"].choices = [(key, prompt.task_type) for key, prompt in self.prompts.items()]
        self.fields["about"].initial = next(iter(self.prompts))

    @property
    def prompt(self):
        """The prompt that a valid form speaks of."""
        return self.prompts[self.cleaned_data["about"] or next(iter(self.prompts))]


class RemarkForm(AboutForm):
    """A remark; `key` is that of the form, so that the same form sent twice is one remark."""

    text = forms.CharField(
        widget=forms.Textarea, max_length=LONGEST_REMARK, error_messages={"required": "Write what you want to say."}
    )
    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def __init__(self, data=None, *, begun=None, **options):
        """`begun` is what was typed before and not sent, by field."""
        super().__init__(data, auto_id="talk-%s", initial=(begun or {}) | {"key": new_key()}, **options)


class FlagForm(AboutForm):
    """What a manager should look at."""

    note = forms.CharField(
        max_length=LONGEST_NOTE, error_messages={"required": "Say in a sentence what a manager should look at."}
    )

    def __init__(self, data=None, **options):
        super().__init__(data, auto_id="flag-%s", **options)
