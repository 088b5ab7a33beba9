"""Make a release: every choice of its recipe, and the finished folder wherever it is wanted."""

import shutil
from pathlib import Path

from django.core.management.base import CommandError

from pipeline import formats
from pipeline.management import released
from pipeline.management.step import StepCommand
from pipeline.releasing import pushing, recipe


class Command(StepCommand):
    help = "Make a release of what was accepted, by a recipe: an immutable version with its proof."

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument(
            "--recipe", metavar="NAME|FILE.yaml", help="a saved recipe of the project, or a file; flags come before it"
        )
        parser.add_argument("--save-recipe", metavar="NAME", help="keep the recipe of this release under a name")
        parser.add_argument("--include", choices=recipe.INCLUDES, help="filtered: also what nobody reviewed")
        parser.add_argument(
            "--include-leaks", action="store_true", default=None, help="also what shares words with an evaluation set"
        )
        parser.add_argument(
            "--format", action="append", dest="formats", choices=formats.FORMATS, help="once for each; messages always"
        )
        parser.add_argument("--system", action="store_true", default=None, help="with the system message as sent")
        parser.add_argument("--seed", help="of the splits of new groups (default: the project's)")
        parser.add_argument("--min-score", type=float, metavar="0-100", help="the least gate score")
        parser.add_argument("--min-agreement", type=float, metavar="0-1", help="share of reviewers who named accept")
        for name, what in (("task-type", "task_types"), ("domain", "domains"), ("not-domain", "not_domains")):
            said = "leave out this domain" if name == "not-domain" else f"only this {name.replace('-', ' ')}"
            parser.add_argument(f"--{name}", action="append", dest=what, help=f"{said}; repeatable")
        parser.add_argument("--cap-per-domain", type=int, metavar="N", help="at most N rows of each domain")
        parser.add_argument("--out", type=Path, metavar="DIR", help="copy the finished release to this new folder")
        parser.add_argument(
            "--push-to-hub", metavar="OWNER/NAME", help="upload it as this dataset, private; the key is HF_TOKEN's"
        )
        parser.add_argument("--public", action="store_true", help="a dataset that --push-to-hub makes is for everybody")

    def step(self, options):
        config = self.load(options)
        project = self.project(options, config)
        if project is None:
            raise CommandError(f"There is no project {config.project!r} yet: collect first.")
        out = options["out"]
        if out and out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise CommandError(f"{out} is there already: name a new folder, a release changes none.")
        if options["push_to_hub"]:
            self._look_ahead(options["push_to_hub"])
        wanted = self._wanted(project, options)
        asked = released.read(wanted)
        released.tell_unknown(self, project, asked)
        rows = released.refuse_nothing(project, asked)
        if options["dry_run"]:
            self.stdout.write(f"Would release up to {rows:,} rows.")
            return
        if options["save_recipe"]:
            project.release_recipes.update_or_create(name=options["save_recipe"], defaults={"body": wanted})
        release = released.make(self, project, wanted, options)
        if out:
            self._copy(release, out)
        if options["push_to_hub"]:
            self._push(release, options)

    def _look_ahead(self, repo):
        try:
            pushing.refuse_wrong(repo)
        except pushing.CannotPush as why:
            raise CommandError(str(why)) from None

    def _push(self, release, options):
        size = sum(entry["bytes"] for entry in release.files)
        self.tell(f"Uploading {len(release.files)} files, {size:,} bytes, to {pushing.endpoint()} …")
        try:
            address = pushing.push(release, options["push_to_hub"], public=options["public"])
        except pushing.CannotPush as why:
            raise CommandError(f"{why} The release itself is made: {release.directory}") from None
        self.stdout.write(f"  pushed to {address}, tag v{release.semver}")

    def _wanted(self, project, options):
        """The mapping of the recipe: a saved one or a file, and the flags above it."""
        given = {name: options[name] for name in recipe.Recipe.model_fields if options.get(name) is not None}
        if not options["recipe"]:
            return given
        saved = project.release_recipes.filter(name=options["recipe"]).first()
        path = Path(options["recipe"])
        if saved is None and not path.is_file():
            names = ", ".join(project.release_recipes.values_list("name", flat=True)) or "none yet"
            raise CommandError(f"There is no recipe {options['recipe']!r}, and no such file; saved are: {names}.")
        try:
            body = saved.body if saved else recipe.from_yaml(path)
        except recipe.WrongRecipe as wrong:
            raise CommandError(str(wrong)) from None
        if not isinstance(body, dict):
            raise CommandError(f"{path} holds no recipe: it is a mapping such as `include: accepted`.")
        return body | given

    def _copy(self, release, out):
        """The files of the release, whole or not at all."""
        out = out.absolute()
        part = out.with_name(f".{out.name}.part")
        try:
            shutil.rmtree(part, ignore_errors=True)
            out.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(release.directory, part)
            if out.exists():
                out.rmdir()  # empty: looked at before
            part.rename(out)
        except OSError as error:
            shutil.rmtree(part, ignore_errors=True)
            why = error.args[0][0][2] if isinstance(error, shutil.Error) else error  # of many files, the first
            raise CommandError(
                f"It cannot be copied to {out}: {why}. The release itself is made: {release.directory}"
            ) from None
        self.stdout.write(f"  copied to {out}")
