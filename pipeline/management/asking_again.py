"""`collect_teacher --again`: the quote, the question whether to go on, the run."""

import sys

from django.core.management.base import CommandError
from django.db import transaction

from curation.models import Prompt, State
from pipeline import jobs
from pipeline.management import quoting
from pipeline.stages.again import AgainFilter, WrongFilter, quote_again
from pipeline.stages.again_filter import KEYS

HELP = (
    "ask chosen prompts again, quote first: those that would be sent another payload than the one they answered. "
    "FILTER is key=value with "
    + "; ".join(f"{key}: {says}" for key, says in KEYS.items())
    + ". Without a FILTER: every undecided prompt that has an answer. Decided ones (accepted, rejected, or with a "
    "person's decision) only where state, key or decided=yes names them; imported answers, whose payload nobody "
    "knows, only where teacher, key or --fresh does. Another number of samples alone is no other payload."
).replace("%", "%%")


def add_arguments(parser):
    """--again and --yes."""
    parser.add_argument("--again", nargs="*", metavar="FILTER", help=HELP)
    parser.add_argument("--yes", action="store_true", help="with --again: go on without being asked")


def ask_again(command, options, set_up):
    """Quote, ask whether to go on, and run; returns the run, or None where there is nothing to ask or to do.

    `set_up()` gives (project, parameters of the run) after it has made what the command line and the configuration
    ask for, such as a new system prompt; for the quote that is made and taken back.
    """
    try:
        wanted = AgainFilter.parse(options["again"])
    except WrongFilter as wrong:
        raise CommandError(f"--again: {wrong}") from None
    with transaction.atomic():
        project, parameters = set_up()
        parameters = _parameters(options, parameters)
        quote = quote_again(project, wanted, parameters)
        price = jobs.quote(project, "collect", parameters | {"again": wanted.as_json()}) if quote.asked else None
        unknown = wanted.unknown_here(project)
        transaction.set_rollback(True)
    for sentence in quote.sentences:
        command.stdout.write(sentence)
    if price:
        quoting.show(command, price)
    for sentence in unknown:
        command.tell(sentence)
    if options.get("quote") or options["dry_run"]:
        return None
    if not quote.asked and not quote.sampled:
        command.tell("Nothing is asked.")
        return None
    _confirm(options, quote)
    project, parameters = set_up()
    parameters = _parameters(options, parameters)
    run = command.run_stage(project, "collect", options, again=wanted.as_json(), **parameters)
    _tell_who_waits(command, project)
    return run


def _parameters(options, parameters):
    given = {"limit": options.get("max_samples"), "fresh": options.get("fresh"), "mode": options.get("mode")}
    return {name: value for name, value in (given | parameters).items() if value}


def _confirm(options, quote):
    if options["yes"]:
        return
    if not sys.stdin.isatty():
        raise CommandError("Nothing was asked: this is no terminal to ask for a yes, so say --yes, or --quote.")
    if input(f"Ask {quote.asked:,} prompts again? [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandError("Nothing was asked.")


def _tell_who_waits(command, project):
    waiting = Prompt.objects.filter(project=project, state=State.TO_COLLECT)
    held = waiting.count() - waiting.partner_ready().count()
    if held:
        command.tell(
            f"{held:,} methodologies wait for the new answers of their hypotheses: "
            f"`collect_teacher --project {project.slug}` takes both on."
        )
