"""Whether an answer is falsifiable, states a method, and has a valid form: by stored verdicts, else measured now."""

from functools import cache

from pipeline import filters
from pipeline.filters.ruleset import stored_rules

# What each question asks, by ids of rules; the first two of one task type alone.
RULES = {
    "falsifiable": ("require_variable", "require_outcome", "require_claim", "ban_known_facts"),
    "method": ("min_steps",),
    "form": (
        *("empty", "min_char_length", "max_char_length", "min_token_length", "max_token_length", "truncated"),
        *("min_sentences", "max_sentences", "min_lines", "max_lines", "broken_markdown"),
    ),
}
ABOUT = {"falsifiable": "hypothesis", "method": "methodology"}


class Look:
    """Looks at answers under `rules`. A rule of form that is off asks nothing; the others have the shipped limits then.

    `version` is the body of the ruleset that stored verdicts were made by, or None where there are none.
    """

    def __init__(self, rules, version=None):
        self.rules, self.shipped = rules, filters.load_rules(None)
        self.measured = stored_rules(version) if version is not None else None
        self._asked, self._known = cache(self._asks), cache(self._knows)

    def _asks(self, task_type):
        """{question: {rule id: (rule, thresholds)}} of this task type."""
        active = {rule.id: (rule, thresholds) for rule, thresholds in self.rules.active(task_type)}
        shipped = {rule.id: (rule, thresholds) for rule, thresholds in self.shipped.active(task_type)}
        asked = {"form": {id: active[id] for id in RULES["form"] if id in active}}
        for question, about in ABOUT.items():
            if task_type == about:
                asked[question] = {id: active.get(id) or shipped[id] for id in RULES[question]}
        return asked

    def _knows(self, task_type):
        return {rule.id for rule, _ in self.measured.active(task_type)} if self.measured else set()

    def needs_measuring(self, task_type, failed):
        """Whether stored verdicts (`failed`: ids of the rules that failed, None: no verdict) leave a question open."""
        known = self._known(task_type) if failed is not None else set()
        return any(id not in known for rules in self._asked(task_type).values() for id in rules)

    def at(self, task_type, failed, answer=None):
        """{question: whether the answer is fine}, of the questions that its task type is asked.

        `answer` is needed where `needs_measuring` says so.
        """
        known = self._known(task_type) if failed is not None else set()
        return {
            question: all(
                id not in failed if id in known else rule.measure(answer, **thresholds).ok
                for id, (rule, thresholds) in rules.items()
            )
            for question, rules in self._asked(task_type).items()
        }
