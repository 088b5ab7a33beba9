"""What the earlier scripts got wrong, by code: a name, what it means, and what the migration does about it."""

from dataclasses import dataclass, field
from typing import NamedTuple

MOST_EXAMPLES = 10


class Fault(NamedTuple):
    """`label` names it in a table; `help` says what it means and what becomes of the row."""

    label: str
    help: str


FAULTS = {
    # -- in training files
    "refusal_shipped": Fault("Refusals shipped", "Training rows in which the teacher declines to answer."),
    "rejected_shipped": Fault(
        "Refused answers shipped", "Training rows whose answer people had rejected, or sent to be made again."
    ),
    "dry_run_shipped": Fault("Dry-run text shipped", "Training rows with the placeholder of a dry run."),
    "no_answer_shipped": Fault(
        "Error messages shipped", "Training rows with an error message, or Python's text of a reply object."
    ),
    "flattened": Fault(
        "Flattened answers",
        "Answers with lines, such as the steps of a method, shipped as one line. Stored: the lines.",
    ),
    "nan_shipped": Fault("NaN shipped", 'Training rows whose input or output is NaN, or the word "nan" or "None".'),
    "empty_shipped": Fault("Empty text shipped", "Training rows without an input or without an output."),
    "unresolved_shipped": Fault("Unfilled {context} shipped", "Training rows that still hold the name of a gap."),
    "citation_shipped": Fault("Citations shipped", "Training rows that cite literature, which the rule let pass."),
    "duplicate_shipped": Fault("Rows shipped twice", "Training rows that a file holds more than once."),
    "split_leak": Fault("Rows in two splits", "Training rows whose input stands in the file of another split too."),
    "unaccepted_as_accepted": Fault(
        "Called accepted", "Training rows marked as accepted by people, where no such decision is in the label files."
    ),
    # -- wrong rows repaired by position
    "label_points_elsewhere": Fault(
        "Labels whose position is another row",
        "Labels whose index, in the filtered dataset, is another row than the one they quote: by it a wrong row was "
        "repaired. Decisions are matched by what they quote.",
    ),
    "repaired_unordered": Fault(
        "Repaired without an order",
        "Regenerated rows whose answer nobody had refused. An accepted answer stays; the new one is kept beside it.",
    ),
    "original_beside_repair": Fault(
        "Shipped beside their repair", "Training rows with the refused answer of a prompt that was answered anew."
    ),
    "good_row_lost": Fault(
        "Good rows lost", "Rows that passed the filters, and that nobody refused, are in no training file."
    ),
    "wrong_source_index": Fault(
        "Wrong source_index", "Training rows whose source_index, in the filtered dataset, is the row of another prompt."
    ),
    # -- in labels
    "later_accept_ignored": Fault(
        "Later accept ignored", "Answers refused first and accepted later, which were repaired all the same."
    ),
    "reject_repaired": Fault(
        "Rejected, yet repaired", "Prompts that people had rejected were asked again. The new answer waits for filters."
    ),
    # -- in inputs and outputs
    "dry_run": Fault("Dry-run rows", "Rows of a dry run among the teacher's outputs; their prompts wait to be asked."),
    "no_answer": Fault(
        "Error messages as answers", "An error message or a reply object's text as an answer; the prompts wait."
    ),
    "empty_answer": Fault("Empty answers", "Rows of outputs without an answer; their prompts wait to be asked."),
    "nan_answer": Fault("NaN as answers", 'The word "nan" or "None" as an answer; the prompts wait to be asked.'),
    "asked_nan": Fault(
        "Asked “nan”", "The prompt column was empty, so the teacher was asked “nan” or “None”: look at these answers."
    ),
    "unresolved_context": Fault("Unfilled {context}", "Prompts that still hold the name of a gap, as they were asked."),
    "context_not_sent": Fault(
        "Context not sent", "Rows with prompt and context: the scripts sent the prompt alone, so the answer knows less."
    ),
    "duplicate_row": Fault("Repeated rows", "Rows whose prompt and answer stand earlier in the same file."),
    "refusal_passed": Fault("Refusals that passed", "Rows in the filtered dataset in which the teacher declines."),
    "citation_passed": Fault("Citations that passed", "Rows in the filtered dataset that cite literature."),
    "judge_unreadable": Fault("Unreadable judgements", "A judge's column that cannot be read; kept without a score."),
    "flag_ignored": Fault(
        "Flags ignored", "Accepted by the gate although a judge raised a safety flag or asked for people to look."
    ),
    # -- in manifests
    "manifest_wrong": Fault("Manifests that do not fit", "A manifest speaks of other numbers of rows than its files."),
}


@dataclass
class Findings:
    """Every fault found: which, where, about which prompt, and the words."""

    rows: list = field(default_factory=list)
    told: set = field(default_factory=set)

    def add(self, code, file, line, key="", said="", once=None):
        """Note one fault; `line` is the row or line of the file.

        What goes through all files, a prompt or its answer, is told at the first of them: `once` says what it is.
        """
        if code not in FAULTS:
            raise KeyError(f"{code!r} is no fault; known: {', '.join(FAULTS)}.")
        if once is not None and (code, once) in self.told:
            return
        self.told.add((code, once))
        found = {"fault": code, "file": file, "line": line, "prompt_key": key}
        self.rows.append(found | {"said": " ".join(said.split())[:200]})

    def counts(self):
        """{code: number} of the faults that were found, in the order of FAULTS."""
        counted = dict.fromkeys(FAULTS, 0)
        for row in self.rows:
            counted[row["fault"]] += 1
        return {code: number for code, number in counted.items() if number}

    def examples(self, code):
        """The first of a kind."""
        return [row for row in self.rows if row["fault"] == code][:MOST_EXAMPLES]
