"""An accepted text that is another answer's: whose it is, and whether a method then tests the hypothesis beside it."""

from ..models import TeacherResponse
from .rule import same_text


def text_of(response, text):
    """The other answer to the same prompt that `text` is, word for word; None where people wrote it themselves."""
    others = TeacherResponse.objects.filter(prompt=response.prompt_id).exclude(pk=response.pk)
    others = others.only("prompt_id", "attempt", "candidate", "text").order_by("-attempt", "candidate")
    return next((each for each in others if same_text(each.text) == same_text(text)), None)


def said_of(response, text):
    """What the history says of an edit: the attempt and candidate whose text it is; {} where it is of people."""
    whose = text_of(response, text)
    if whose is None:
        return {}
    return {"text_of_attempt": whose.attempt, "text_of_candidate": whose.candidate}


def asked_with(card, text):
    """The hypothesis response that the method `text` was asked with: of the answer whose text it is, else the shown."""
    for response in [card.response, *(attempt.response for attempt in card.answers)]:
        if same_text(response.text) == same_text(text):
            return response.hypothesis
    return card.response.hypothesis


def tests_another(hypothesis, methodology, text_before, text_after):
    """Whether the method text `text_after` was asked with another hypothesis than `text_before`, as both now stand."""
    asked = asked_with(methodology, text_after) if methodology.response else None
    return bool(asked and hypothesis.response and same_text(asked.text) != same_text(text_before))
