"""The forms of the review and resolve pages."""

import uuid

from django import forms

from curation.models.review import Action
from curation.reviewing import REASONS, Choice, drafts, known_reasons, reasons_of
from curation.reviewing.complaints import NO, YES, complaints_of, shown

MET = [(YES, "met"), (NO, "not met"), ("", "not said")]
ACTIONS = [(Action.ACCEPT, "Accept"), (Action.REGENERATE, "Regenerate"), (Action.REJECT, "Reject")]


def new_key():
    """A fresh idempotency key: one for every form that is shown."""
    return uuid.uuid4().hex


class ReasonedForm(forms.Form):
    """What reviewers and adjudicators both say: an action, why, and a comment."""

    action = forms.ChoiceField(
        choices=ACTIONS,
        widget=forms.RadioSelect,
        label="Decision",
        error_messages={"required": "Choose accept, regenerate or reject."},
    )
    reasons = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple, required=False)
    comment = forms.CharField(widget=forms.Textarea, required=False, max_length=5000)

    def __init__(self, data=None, *, project=None, **options):
        super().__init__(data, **options)
        self._known = known_reasons(project) if project else {reason.code: reason for reason in REASONS}
        self._offered = {reason.code for reason in (reasons_of(project) if project else REASONS)}
        self.fields["reasons"].choices = [(reason.code, reason.label) for reason in self._known.values()]

    @property
    def reason_boxes(self):
        """(checkbox, one-sentence help) for each reason on offer, and for one that was ticked while it was."""
        ticked = set(self["reasons"].value() or ())
        boxes = {box.data["value"]: box for box in self["reasons"]}
        return [(boxes[code], self._known[code].help) for code in boxes if code in self._offered or code in ticked]

    @property
    def reasons_chosen(self):
        return len(self["reasons"].value() or [])


class DecisionForm(ReasonedForm):
    """One person's decision on one response. `optional`: it may be left open, its hypothesis being refused."""

    text = forms.CharField(widget=forms.Textarea, strip=False, required=False, label="Edited text")
    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0, max_value=32_767)

    def __init__(self, data=None, *, response, optional=False, complaints=None, **options):
        super().__init__(data, prefix=f"r{response.pk}", project=response.prompt.project, **options)
        if complaints is None:  # what this person was shown of them is the card's to know
            rows = complaints_of([response]).get(response.pk, [])
            complaints = shown(rows, response.prompt.project)
        self.complaints = complaints
        for each in complaints:
            field = forms.ChoiceField(choices=MET, widget=forms.RadioSelect, required=False, label=each.label)
            self.fields[each.field] = field
        self.response, self.optional = response, optional
        self.draft = None  # what its person typed and did not send, if the server keeps some
        self.as_typed = data is not None  # what stands in it was just sent: no draft is newer
        self.fields["action"].required = not optional

    @classmethod
    def of(cls, card, draft=None):
        """The form a card begins with: `draft`, else `card.prefill`, else a blank decision on the text as it came."""
        before = card.prefill
        initial = {"text": card.response.text, "version": card.own.version if card.own else 0}
        if before:
            initial |= {"action": before.action, "reasons": before.reasons, "comment": before.comment}
            if before.edited_text is not None:
                initial["text"] = before.edited_text
            initial |= {f"met-{pk}": YES if met else NO for pk, met in card.checks.items()}
        card.response.prompt = card.prompt  # it has its project at hand
        made = cls(response=card.response, complaints=card.complaints, initial=initial | drafts.initial(draft))
        made.draft = draft
        return made

    @classmethod
    def again(cls, data, response, text=None):
        """The form as it was typed, nothing checked yet; with `text` in place of the text."""
        prefix = f"r{response.pk}"
        typed = data.get(f"{prefix}-text", response.text) if text is None else text
        initial = {"text": typed, "reasons": data.getlist(f"{prefix}-reasons")}
        initial |= {name: data.get(f"{prefix}-{name}", "") for name in ("action", "comment", "version")}
        made = cls(response=response, initial=initial)
        for each in made.complaints:
            made.initial[each.field] = data.get(f"{prefix}-{each.field}", "")
        made.as_typed = True
        return made

    def clean(self):
        cleaned = super().clean()
        text = cleaned.get("text") if self.add_prefix("text") in self.data else self.response.text
        if cleaned.get("action") == Action.ACCEPT and not (text or "").strip():
            self.add_error("text", "An accepted text cannot be empty: put the text back, or reject the response.")
        return cleaned

    @property
    def choice(self):
        """The Choice that a valid form makes, or None where an optional one was left open."""
        if not self.cleaned_data["action"]:
            return None
        sent = self.add_prefix("text") in self.data
        return Choice(
            response_id=self.response.pk,
            action=self.cleaned_data["action"],
            reasons=tuple(self.cleaned_data["reasons"]),
            edited_text=self.cleaned_data["text"] if sent else None,
            comment=self.cleaned_data["comment"],
            version=self.cleaned_data["version"] or 0,
            met=self._met,
        )

    @property
    def _met(self):
        said = {each.pk: self.cleaned_data[each.field] for each in self.complaints}
        return {pk: value == YES for pk, value in said.items() if value}

    @property
    def checked(self):
        """(name in the form, "yes" or "no") of each complaint that its person has a word on."""
        said = [(self.add_prefix(each.field), self[each.field].value()) for each in self.complaints]
        return [(name, value) for name, value in said if value]

    @property
    def typed(self):
        """The text as it stands in the form, whether sent or to begin with."""
        return self["text"].value() or ""

    @property
    def is_edited(self):
        """Whether the text in the form is not the teacher's."""
        return self.typed.replace("\r\n", "\n").rstrip() != self.response.text.rstrip()


class ResolveForm(ReasonedForm):
    """The adjudicator's decision; the text is one of those that lie there, or their own."""

    OWN = "own"

    text_from = forms.ChoiceField(widget=forms.RadioSelect, required=False, label="Text of an accept")
    text = forms.CharField(widget=forms.Textarea, strip=False, required=False, label="My own text")

    def __init__(self, data=None, *, texts, **options):
        """`texts` are (code, label, text) of what lies there, the teacher's first."""
        super().__init__(data, **options)
        self.texts = {code: text for code, _, text in texts}
        choices = [(code, label) for code, label, _ in texts] + [(self.OWN, "My own text, below")]
        self.fields["text_from"].choices = choices
        self.fields["text_from"].initial = choices[0][0]
        self.fields["text"].initial = texts[0][2]

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("action") == Action.ACCEPT and not self._text(cleaned).strip():
            self.add_error("text", "An accepted text cannot be empty: take one of the texts, or write your own.")
        return cleaned

    def _text(self, cleaned):
        code = cleaned.get("text_from") or next(iter(self.texts))
        return cleaned.get("text", "") if code == self.OWN else self.texts.get(code, "")

    @property
    def chosen_text(self):
        return self._text(self.cleaned_data)
