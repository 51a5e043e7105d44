"""Who may answer a call: the lesson's scripted models, the learner's own key, the site's providers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist

from lessons.model_scripts import Script, read_script
from lessons.models import Lesson, ModelScript
from lessons.toml_files import BadFile
from tutor import encryption
from tutor.configured import ConfiguredProvider, PricedModel
from tutor.models import ProviderKey, SiteProvider
from tutor.providers.interface import Endpoint
from tutor.routing import Candidate
from tutor.scripted import STAND_IN

log = structlog.get_logger(__name__)

_FRESH_SECONDS = 5.0  # how long providers of the admin are taken for what they were


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks, and for what."""

    user_id: int | None
    visitor: str = ""  # a guest's key in the session
    purpose: str = "run"  # or "chat", "hint"
    run_id: UUID | None = None
    lesson_id: int | None = None
    course_id: int | None = None
    exercise_id: int | None = None
    language: str = "en"
    only_scripts: bool = False  # nothing that costs, whoever it is
    stand_in: bool = False  # where no script has an answer
    provider: str = ""  # this one of the site alone: an operator's choice, who needs no account for it

    @property
    def is_guest(self) -> bool:
        return self.user_id is None


@dataclass(frozen=True)
class Choice:
    """Who may answer, in the order they are asked."""

    scripts: Sequence[Script] = ()
    candidates: Sequence[Candidate] = ()
    scripts_first: bool = True
    offered: Sequence[str] = field(default=())  # names of models, for the list of them


def choose(caller: Caller, *, asked_model: str, kind: str = "chat") -> Choice:
    """Who may answer this caller. `kind` is chat or embeddings."""
    scripts = scripts_for(caller) if kind == "chat" and caller.purpose == "run" else []
    if caller.stand_in:
        scripts.append(STAND_IN)
    # Embeddings are another model's work: the learner named one for chat.
    own = _own_key(caller) if kind == "chat" else None
    if own:
        key, candidate = own
        candidates: Sequence[Candidate] = [candidate]
        first = not key.before_scripts
    else:
        candidates = site_candidates(caller, asked_model=asked_model, kind=kind)
        preferred = next((script.prefer for script in scripts if script.prefer), "")
        first = preferred == "script" if preferred else settings.MODEL_PREFERS_SCRIPTS
    offered = [f"scripted:{script.name}" for script in scripts]
    offered += dict.fromkeys(candidate.model.name for candidate in candidates)
    return Choice(scripts, candidates, first, offered)


def scripts_for(caller: Caller) -> list[Script]:
    """The exercise's scripted model, the lesson's, its chapter's, the course's."""
    if caller.lesson_id is not None:
        lesson = Lesson.objects.filter(pk=caller.lesson_id).first()
        scripts_of = ModelScript.objects.for_lesson
        rows = scripts_of(lesson, exercise=caller.exercise_id) if lesson else ModelScript.objects.none()
    elif caller.course_id is not None:
        rows = ModelScript.objects.for_course(caller.course_id)
    else:
        return []
    scripts = []
    for row in rows:
        try:
            scripts.append(read_script(row.text, name=row.name))
        except BadFile as error:  # an import checked it; the format has changed since
            log.error("script_unusable", script=row.pk, error=str(error))
    return scripts


def site_candidates(caller: Caller, *, asked_model: str, kind: str) -> list[Candidate]:
    """The site's providers; those that have the model asked for first, the others with their own."""
    may_call = settings.MODEL_GUESTS_MAY_CALL or caller.provider or not caller.is_guest
    if caller.only_scripts or not may_call:
        return []
    named: list[Candidate] = []
    others: list[Candidate] = []
    for provider in site_providers():
        models = provider.models if kind == "chat" else provider.embeddings
        if not models or caller.provider not in ("", provider.name):
            continue
        same = next((model for model in models if model.name == asked_model), None)
        endpoint = Endpoint(provider.name, provider.kind, provider.url, provider.key)
        (named if same else others).append(Candidate(endpoint, same or models[0]))
    return named + others


_added: tuple[float, list[ConfiguredProvider]] = (float("-inf"), [])


def site_providers() -> list[ConfiguredProvider]:
    """Those of the environment, then those that administrators added."""
    global _added
    read_at, added = _added
    if time.monotonic() - read_at > _FRESH_SECONDS:
        added = []
        for row in SiteProvider.objects.filter(is_enabled=True):
            try:
                added.append(row.as_configured())
            except encryption.Undecryptable:
                log.error("provider_key_undecryptable", provider=row.name)
        _added = (time.monotonic(), added)
    return [*settings.MODEL_PROVIDERS, *added]


def forget_site_providers() -> None:
    """Read them anew with the next call in this process; others follow within seconds."""
    global _added
    _added = (float("-inf"), [])


def _own_key(caller: Caller) -> tuple[ProviderKey, Candidate] | None:
    if caller.user_id is None:
        return None
    try:
        key = ProviderKey.objects.get(user=caller.user_id)
        service = settings.MODEL_OWN_KEY_SERVICES[key.service]
        secret = encryption.decrypt(key.encrypted_key)
    except (ObjectDoesNotExist, KeyError):
        return None
    except encryption.Undecryptable:
        log.error("provider_key_undecryptable", user=caller.user_id)
        return None
    endpoint = Endpoint(service.name, service.kind, service.url, secret)
    return key, Candidate(endpoint, PricedModel(key.model), own_key=True)
