"""Everything on this machine by one command: queue, workers, web server, and the embedded model where it is used."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from curation import upkeep
from pipeline import all_in_one
from pipeline.embedded import ServiceError
from pipeline.embedded.supervisor import Supervisor


class Command(BaseCommand):
    help = "Serve Nexa Distill on this machine until Ctrl-C: queue, workers and web server."
    requires_migrations_checks = False

    def add_arguments(self, parser):
        parser.add_argument("--bind", default="127.0.0.1:8000", metavar="HOST:PORT")
        parser.add_argument("--workers", type=int, default=2, metavar="N", help="RQ workers (default 2)")

    def handle(self, *args, **options):
        call_command("migrate", verbosity=0)
        upkeep.learn_sizes()
        if settings.PRODUCTION:
            call_command("collectstatic", interactive=False, verbosity=0)
        try:
            with Supervisor(settings.DATA_DIR) as supervisor:
                all_in_one.start_queue(supervisor)
                all_in_one.start_model(supervisor)
                all_in_one.start_workers(supervisor, max(1, options["workers"]))
                address = all_in_one.start_web(supervisor, options["bind"])
                self._greet(address)
                supervisor.wait()
        except ServiceError as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            pass
        self.stdout.write("Stopped.")

    def _greet(self, address):
        self.stdout.write(f"Nexa Distill serves at {address} (Ctrl-C stops it). Data and logs: {settings.DATA_DIR}")
        if not get_user_model().objects.exists():
            self.stdout.write("There is no account yet: make one with `python manage.py createsuperuser`.")
        self.stdout.flush()
