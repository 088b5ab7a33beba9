"""Makes a release with every format, for readers of an environment of their own: `python -m tests.readers.release DIR`.

Its texts have what real ones have: numbered methods, LaTeX, letters of other alphabets, quotation marks, long answers.
"""

import os
import shutil
import sys

import django

PAIRS = 40
TEXTS = (
    "Drag of a slender delta wing rises with α² above {n}°; oil flow (“streaks”): \\frac{{\\Delta p}}{{q}} = 0.{n}.",
    'Die Röntgenbeugung von Probe {n} zeigt {{"phase": "γ"}} neben 3 % Ferrit.\n\n1. Probe schleifen.\n2. Messen.',
    "試料 {n} の表面粗さは焼鈍しで減少する. Compare <b>before</b> & after at T = {n} K. 😀",
)


def main(folder):
    """Build the release in the tests' database and copy its folder."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    from django.core.management import call_command

    from curation.models import Release
    from pipeline import jobs
    from pipeline.formats import FORMATS
    from tests import factories

    call_command("migrate", verbosity=0)
    project = factories.project("Readers", slug="readers", split_seed="one seed", near_duplicate_percent=0)
    for number in range(PAIRS):
        _add_pair(project, number)
    run = jobs.prepare(project, "package", {"recipe": {"formats": list(FORMATS), "system": True}})
    jobs.carry_out(run)
    release = Release.objects.get(project=project)
    if release.state != Release.State.PUBLISHED:
        sys.exit(f"The release is {release.get_state_display()}: {release.error} {' '.join(release.problems)}")
    shutil.copytree(release.directory, folder)
    print(f"A release of {release.counts['rows']} rows: {', '.join(release.counts['formats'])}.")


def _add_pair(project, number):
    """A source with hypothesis and methodology: refused at first, then accepted, every third after an edit."""
    from curation.models import State
    from tests import factories

    text = TEXTS[number % len(TEXTS)].format(n=number)
    pair = factories.pair(project, State.ACCEPTED, locator=f"doc:{number}", text=text, licence="CC0-1.0")
    for prompt in (pair.hypothesis, pair.methodology):
        first = prompt.current_response
        factories.resolution(first, "reject", reasons=["vague"])
        answer = f"{prompt.task_type.title()} {number}: {text} " * (1 + number % 5)
        asked = {"sent_system": "Be exact." if number % 2 else "", "hypothesis_id": first.hypothesis_id}
        second = factories.response(prompt, answer, attempt=2, **asked)
        edited = {"text": f"{answer}\nEdited.", "edited": True} if number % 3 == 0 else {}
        factories.resolution(second, **{"text": answer} | edited)


if __name__ == "__main__":
    main(sys.argv[1])
