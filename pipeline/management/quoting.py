"""--quote, --cap, --cap-tokens and --fresh: what a command would cost, and what it may cost."""

from decimal import Decimal

from django.core.management.base import CommandError
from django.db import transaction

from pipeline import jobs, quotes
from pipeline.quotes import words


def add_arguments(parser):
    """What every command takes that buys answers."""
    parser.add_argument(
        "--quote", action="store_true", help="say what it would take (calls, tokens, price, time), and do nothing"
    )
    parser.add_argument("--cap", metavar="USD", help="spend at most so many dollars; what does not fit keeps waiting")
    parser.add_argument("--cap-tokens", type=int, metavar="N", help="use at most so many tokens, in and out together")
    parser.add_argument(
        "--fresh", action="store_true", help="ask again what was answered before in other runs, and pay for it"
    )


def tell(command, stage, options, set_up):
    """Print the quote of a run of `stage`; everything that `set_up` makes for it is taken back.

    `set_up()` gives (project, parameters of the run).
    """
    with transaction.atomic():
        project, parameters = set_up()
        quote = jobs.quote(project, stage, _limits(options) | parameters | _caps(options))
        transaction.set_rollback(True)
    show(command, quote)
    try:
        quotes.refuse_wrong(quote, *quotes.read_caps(_caps(options)))
    except quotes.WrongCap as wrong:
        raise CommandError(str(wrong)) from None


def show(command, quote):
    """A quote as a small table."""
    if not quote.calls.high:
        command.stdout.write(quote.sentence)
        return
    held = f"; {quote.held:,} wait for their hypotheses first" if quote.held else ""
    command.stdout.write(f"{quote.prompts:,} of {quote.waiting:,} waiting prompts{held}")
    for name, *cells in [("", "p10", "p50", "p90"), *words.rows(quote)]:
        command.stdout.write(f"{name:12}" + "".join(f"{cell:>16}" for cell in cells))
    facts = [("Prices", quote.prices), ("Time", f"{quote.time} ({quote.slowest})" if quote.slowest else quote.time)]
    if quote.reused.mid:
        about = "" if quote.reused.is_exact else "about "
        facts.append(("Before", f"{about}{quote.reused.mid:,} were answered before: not bought again"))
    for name, fact in [*facts, ("Basis", quote.basis)]:
        command.stdout.write(f"{name:12}{fact}")


def spending(options):
    """The parameters of a run that say what it may cost; raises CannotStart where nothing of the caps is left."""
    left = _caps(options)
    if options.get("spent") and any(Decimal(value) <= 0 for value in left.values()):
        raise jobs.CannotStart("The cap is used up; what waits keeps waiting.")
    return left | ({"fresh": True} if options.get("fresh") else {})


def spent(options, run):
    """Take what a run cost, and what it may have cost, off the caps: they are for the whole command."""
    options["spent"] = True
    if options.get("cap") is not None:
        options["cap"] = str(Decimal(options["cap"]) - run.cost - run.held_usd)
    if options.get("cap_tokens") is not None:
        options["cap_tokens"] -= run.input_tokens + run.output_tokens + run.held_tokens


def _caps(options):
    said = {"cap_usd": options.get("cap"), "cap_tokens": options.get("cap_tokens")}
    return {name: value for name, value in said.items() if value is not None}


def _limits(options):
    mode = "batch" if options.get("mode") == "batch" else None
    return {"limit": options.get("max_samples"), "mode": mode, "fresh": options.get("fresh") or None}
