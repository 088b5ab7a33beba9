"""The form of the review page as a browser would fill and send it; the project is oxides."""

import re

from django.urls import reverse

from curation.reviewing import Choice, submit


def get(browser, name="review", *args):
    """A page of the project oxides, as its HTML."""
    response = browser.get(reverse(name, args=["oxides", *args]))
    assert response.status_code == 200, response
    return response.content.decode()


def fields(page):
    """The form of a page as a browser would send it: hidden fields, text areas and what is checked."""
    (form,) = re.findall(r'<form id="review-form".*?</form>', page, re.DOTALL)
    data = {}
    for tag in re.findall(r"<input[^>]*>", form):
        said = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if said["type"] == "hidden" or " checked" in tag:
            data.setdefault(said["name"], []).append(said["value"])
    for name, text in re.findall(
        r'<textarea(?:(?!disabled)[^>])*? name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL
    ):
        data[name] = [text]
    return data


def answer(page, *actions, **more):
    """Fields with these actions chosen, in the order of the cards; `more` goes to the first response."""
    data = fields(page)
    for pk, action in zip(data["response"], actions, strict=False):
        data[f"r{pk}-action"] = [action]
    for name, value in more.items():
        data[f"r{data['response'][0]}-{name}"] = value
    return data


def send(browser, data, **headers):
    """Post the review form."""
    return browser.post(reverse("review_submit", args=["oxides"]), data, headers=headers or None)


def disagree(project, prompt, one, other, **edit):
    """Two people decide on a prompt that needs two: accept, with `edit`, and reject."""
    project.reviews_required = 2
    project.save()
    submit(project, one, [Choice(prompt.current_response_id, "accept", **edit)], idempotency_key="1")
    submit(project, other, [Choice(prompt.current_response_id, "reject", comment="No control.")], idempotency_key="2")
