"""What a text without a prompt of its own is asked with: the message of its template, and which template that is."""

from itertools import islice

from curation.models import Pair, PromptTemplate, TeacherResponse
from pipeline import prompts

from .writing import BATCH

COLUMN = "prompt_rendered_from"  # empty for a prompt that came with its row
WAITS = "nothing yet: its hypothesis is not answered"


class Asked:
    """Prompts of a queryset, each with `asked`: (the message as it is sent, what it was made of); writes nothing.

    A prompt of its own stands as it is, made of nothing else. For a first answer it is what was sent; else what the
    newest template of its task makes now.
    """

    def __init__(self, project, rows):
        self.project, self.rows, self._templates = project, rows.select_related("document", "current_response"), {}

    def iterator(self, chunk_size=BATCH):
        rows = self.rows.iterator(chunk_size=chunk_size)
        while batch := list(islice(rows, chunk_size)):
            tested = self._hypotheses([prompt.pk for prompt in batch if not prompt.user_prompt])
            for prompt in batch:
                prompt.asked = self._asked(prompt, tested.get(prompt.pk))
                yield prompt

    def _asked(self, prompt, hypothesis):
        if prompt.user_prompt:
            return prompt.user_prompt, None
        response = prompt.current_response
        stamp = response.templates.get(prompt.task_type) if response and response.attempt == 1 else None
        if stamp and response.sent_user:
            return response.sent_user, _named(prompt.task_type, stamp.get("version"))
        if hypothesis == "":
            return None, WAITS
        return self._rendered(prompt, hypothesis)

    def _rendered(self, prompt, hypothesis):
        about = {"task_type": prompt.task_type, "context": prompt.context, "domain": prompt.domain}
        about["title"] = prompt.document.title if prompt.document else ""
        try:
            body, name = self._template(prompt.task_type)
            return prompts.user_message(template=body, hypothesis=hypothesis or "", **about), name
        except prompts.PromptError as error:
            return None, f"nothing: {error}"

    def _template(self, name):
        """(text, what it is called) of the newest version, or of the shipped one that becomes version 1."""
        if name not in self._templates:
            found = PromptTemplate.current(self.project, name)
            text = found.body if found else prompts.shipped(name)
            self._templates[name] = text, _named(name, found.version if found else 1)
        return self._templates[name]

    def _hypotheses(self, ids):
        """{method's prompt id: the text that it must test, "" where there is none yet} of a paired project."""
        if not self.project.paired or not ids:
            return {}
        pairs = dict(
            Pair.objects.filter(methodology__among=ids).values_list("methodology", "hypothesis__current_response")
        )
        texts = TeacherResponse.objects.filter(pk__among=[pk for pk in pairs.values() if pk]).with_authoritative_text()
        known = dict(texts.values_list("pk", "authoritative"))
        return {method: known.get(response, "") for method, response in pairs.items()}


def _named(name, version):
    return f"template {name} v{version}"
