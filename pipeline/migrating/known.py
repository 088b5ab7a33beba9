"""What the project holds, by content: to find the prompt and the answer that a row of a file speaks of."""

import hashlib
from dataclasses import dataclass, field

from curation.annotations import squeezed
from curation.models import Prompt, State, TeacherResponse

AT_ONCE = 2000


def digest(*texts):
    """16 bytes that stand for texts, white space aside: the scripts flattened prompts and answers."""
    parts = "\0".join(map(squeezed, texts))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).digest()[:16]


def position(value):
    """The position that a cell says, be it a number or a number as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return int(number) if number.is_integer() else None


def lines(text):
    """How many lines of a text hold something."""
    return sum(bool(line.strip()) for line in text.splitlines())


@dataclass(slots=True)
class KnownPrompt:
    """`waits`: an imported answer would be taken; `inputs`: digests of what the scripts' training files say of it."""

    key: str
    waits: bool
    answered: bool
    inputs: tuple = ()
    withdrawn: bool = False


@dataclass(slots=True)
class KnownAnswer:
    """An answer of the project, or of the file that is being read (`pk` None)."""

    pk: int | None
    key: str
    attempt: int
    lines: int
    current: bool
    task_type: str = ""


@dataclass
class Known:
    """Prompts and answers of `project` by content; `refresh` after anything was stored."""

    project: object
    prompts: dict = field(default_factory=dict)
    loose: dict = field(default_factory=dict)
    answers: dict = field(default_factory=dict)
    by_text: dict = field(default_factory=dict)
    by_label: dict = field(default_factory=dict)
    newest: dict = field(default_factory=dict)  # prompt key -> its newest attempt
    coming: list = field(default_factory=list)  # (key, task type, context, text) of answers in files not taken yet

    def __post_init__(self):
        self.refresh()

    def refresh(self):
        """Read the project anew."""
        for each in (self.prompts, self.loose, self.answers, self.by_text, self.by_label, self.newest):
            each.clear()
        self._read_prompts()
        self._read_answers()
        self._foresee()

    def _foresee(self):
        """An answer of a later file counts among those that a label may mean."""
        for key, task_type, context, text in self.coming:
            place = digest(key, text)
            if place not in self.answers:
                answer = KnownAnswer(None, key, 0, lines(text), False, task_type)
                self.by_text.setdefault(digest(text), []).append(answer)
                self.by_label.setdefault(digest(task_type, context, text), []).append(answer)

    def _read_prompts(self):
        names = ("pk", "key", "task_type", "user_prompt", "context", "state", "parked_from", "current_response")
        names += ("withdrawal",)
        rows = Prompt.objects.filter(project=self.project).order_by("pk")
        held = set(rows.exclude(pk__in=rows.free().values("pk")).values_list("pk", flat=True))
        rows = rows.values_list(*names).iterator(chunk_size=AT_ONCE)
        for pk, key, task_type, prompt, context, state, parked_from, response, withdrawal in rows:
            waits = State.TO_COLLECT in (state, parked_from or state) and pk not in held
            inputs = _inputs(task_type, prompt, context)
            self.prompts[key] = KnownPrompt(key, waits, response is not None, inputs, withdrawal is not None)
            place = digest(task_type, prompt, context)
            self.loose[place] = None if place in self.loose else key  # several: only the exact key tells them apart

    def _read_answers(self):
        names = ("pk", "attempt", "text", "metadata", "prompt__key", "prompt__task_type", "prompt__context")
        rows = TeacherResponse.objects.filter(prompt__project=self.project).order_by("pk")
        current = set(rows.filter(current_for__project=self.project).values_list("pk", flat=True))
        for pk, attempt, text, metadata, key, task_type, context in rows.values_list(*names).iterator(
            chunk_size=AT_ONCE
        ):
            texts = {text, metadata.get("imported_text", text)}
            most = max(map(lines, texts))
            answer = KnownAnswer(pk, key, attempt, most, pk in current, task_type)
            self.newest[key] = max(attempt, self.newest.get(key, 1))
            for each in texts:
                self.answers[digest(key, each)] = answer
            for place in {digest(each) for each in texts}:
                self.by_text.setdefault(place, []).append(answer)
            for place in {digest(task_type, context, each) for each in texts}:
                self.by_label.setdefault(place, []).append(answer)

    def expect(self, key):
        """The prompt of this key, noted as one that is about to be stored if there is none."""
        return self.prompts.setdefault(key, KnownPrompt(key, waits=True, answered=False))

    def key_of(self, draft):
        """The key of the stored prompt that a `Draft` is: by its key, else by task type, prompt and context; or ""."""
        if draft.key in self.prompts:
            return draft.key
        return self.loose.get(digest(draft.task_type, draft.user_prompt, draft.context)) or ""


def _inputs(task_type, prompt, context):
    """How the scripts' packaging, and their batch script, wrote the input of a prompt."""
    asked = [prompt] if prompt else [f"[TASK: {task_type.upper()}]\n{context}", context]
    if prompt and context:
        asked += [f"Context: {context}\n\nQuestion: {prompt}", f"{context}\n\n{prompt}", f"{prompt}\n\n{context}"]
    return tuple(digest(each) for each in asked)
