"""The tutor beside a lesson: its panel, and the endpoints it speaks JSON and server-sent events with."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from progress import places
from progress.answer_stream import answer_stream
from progress.answers import Refused, error, invalid, json_body, json_endpoint
from progress.attaching import attached
from progress.forms import PanelForm, QuestionForm
from progress.views.ownership import guest_key, own_submission, published_lesson
from tutor import answering, asking, budgets, choosing, pictures, showing
from tutor.gateway import owner_of
from tutor.models import Conversation, Message, MessageImage
from tutor.providers import clients

_BODY_MB = 2


@require_GET
@never_cache
def panel(request: HttpRequest) -> HttpResponse:
    """The panel beside a lesson, with the latest conversation about it, or the one named; `?new` has none."""
    form = PanelForm(request.GET)
    if not form.is_valid():
        raise Http404
    number, named = form.cleaned_data["lesson"], form.cleaned_data["conversation"]
    lesson = published_lesson(number) if number else None
    if named:
        conversation: Conversation | None = own_conversation(request, named)
    elif "new" in request.GET:
        conversation = None
    else:
        own = Conversation.objects.visible_to(user=request.user, guest_key=guest_key(request))
        conversation = own.filter(lesson=lesson).order_by("-updated_at").first()
    return render(request, "tutor/_panel.html", panel_context(request, conversation, lesson))


def panel_context(request: HttpRequest, conversation: Conversation | None, lesson: Any) -> dict[str, Any]:
    """What the panel shows; loads ahead what an answer will need."""
    key = guest_key(request)
    caller = choosing.Caller(user_id=request.user.pk, visitor=key, purpose="chat")
    has_model = bool(choosing.choose(caller, asked_model="").candidates)
    if has_model:
        clients.load_ahead()
    messages = list(conversation.messages.standing().for_thread()) if conversation else []
    for message in messages:
        answering.close_if_lost(message)
    last = messages[-1] if messages else None
    return {
        "conversation": conversation,
        "lesson": lesson,
        "thread": showing.shown(messages),
        "last": last,
        "may_ask": request.user.is_authenticated or settings.MODEL_GUESTS_MAY_CALL,
        "has_model": has_model,
        "takes_pictures": pictures.are_taken(caller),
        "most_pictures": pictures.MOST,
        "budget": _budget(request) if has_model else None,
    }


@json_endpoint
@require_POST
def ask(request: HttpRequest) -> JsonResponse:
    """Keep a question and have it answered: 201 with both, as the panel shows them."""
    if not (request.user.is_authenticated or settings.MODEL_GUESTS_MAY_CALL):
        return error(request, "AUTHENTICATION_ERROR", _("Sign in to ask the tutor."))
    form = QuestionForm(json_body(request, max_bytes=_BODY_MB * 1024 * 1024))
    if not form.is_valid():
        return invalid(request, form)
    fields = form.cleaned_data
    about = attached(
        code=fields["code"], run=own_submission(request, fields["run"]) if fields["run"] else None
    )
    try:
        if fields["replaces"]:
            earlier = own_message(request, fields["replaces"])
            question, answer = asking.ask_in_other_words(
                earlier=earlier, question=fields["message"], language=request.LANGUAGE_CODE, attached=about
            )
        else:
            question, answer = asking.ask(
                user=request.user if request.user.is_authenticated else None,
                guest_key=guest_key(request, create=True),
                conversation=own_conversation(request, fields["conversation"])
                if fields["conversation"]
                else None,
                lesson=published_lesson(fields["lesson"]) if fields["lesson"] else None,
                question=fields["message"],
                language=request.LANGUAGE_CODE,
                attached=about,
                pictures=_pictures(fields["images"]),
            )
    except asking.StillAnswering:
        return error(request, "CONFLICT", still_answering())
    return _added(request, [question, answer])


@json_endpoint
@require_POST
def answer_again(request: HttpRequest, answer_id: int) -> JsonResponse:
    """Have the last question answered anew."""
    earlier = own_answer(request, answer_id)
    answering.close_if_lost(earlier)
    try:
        answer = asking.answer_again(answer=earlier, language=request.LANGUAGE_CODE)
    except asking.StillAnswering:
        return error(request, "CONFLICT", still_answering())
    except asking.NotTheLast:
        return error(request, "CONFLICT", _("The conversation has gone on since. Load it again."))
    return _added(request, [answer])


@json_endpoint
@require_POST
def stop_answer(request: HttpRequest, answer_id: int) -> JsonResponse:
    """Stop an answer; one that is over stays as it is."""
    if not asking.stop(answer=own_answer(request, answer_id)):
        raise Refused("SERVICE_UNAVAILABLE", _("The answer could not be stopped. Try again."), seconds=2)
    return JsonResponse({"success": True})


@json_endpoint
@require_GET
async def answer_events(request: HttpRequest, answer_id: int) -> StreamingHttpResponse:
    """The answer as a server-sent stream; `Last-Event-ID` resumes it. At the end it comes as HTML."""
    answer = await sync_to_async(places.released(own_answer))(request, answer_id)
    language = request.LANGUAGE_CODE

    def describe(ended: Message) -> dict[str, Any]:
        with translation.override(language):
            thread = {"thread": showing.shown([ended]), "last": ended}
            return {
                "status": ended.status,
                "html": render_to_string("tutor/_thread.html", thread, request),
                "budget": render_to_string("tutor/_budget.html", {"budget": _budget(request)}),
            }

    return answer_stream(answer, after=request.headers.get("Last-Event-ID", ""), describe=describe)


@require_GET
@never_cache
def answer_sent(request: HttpRequest, answer_id: int) -> HttpResponse:
    """Exactly what was sent for an answer."""
    return render(request, "tutor/_sent.html", {"sent": own_answer(request, answer_id).context})


@require_GET
@never_cache
def picture(request: HttpRequest, picture_id: int) -> HttpResponse:
    """A picture of one's own question."""
    own = Message.objects.visible_to(user=request.user, guest_key=guest_key(request))
    found = MessageImage.objects.filter(pk=picture_id, message__in=own).first()
    if found is None:
        raise Http404(_("There is no such picture."))
    return HttpResponse(
        bytes(found.data), content_type=found.content_type, headers={"X-Content-Type-Options": "nosniff"}
    )


# --- How ------------------------------------------------------------------------------------------


def own_conversation(request: HttpRequest, conversation_id: Any) -> Conversation:
    """The caller's conversation, or 404: another's looks like none."""
    visible = Conversation.objects.visible_to(user=request.user, guest_key=guest_key(request))
    found = visible.select_related("lesson__course", "lesson__parent").filter(pk=conversation_id).first()
    if found is None:
        raise Http404(_("There is no such conversation."))
    return found


def own_message(request: HttpRequest, message_id: int) -> Message:
    """A message that stands in a conversation of the caller's, or 404."""
    visible = Message.objects.standing().visible_to(user=request.user, guest_key=guest_key(request))
    found = visible.select_related("conversation__lesson").filter(pk=message_id).first()
    if found is None:
        raise Http404(_("There is no such message."))
    return found


def own_answer(request: HttpRequest, answer_id: int) -> Message:
    found = own_message(request, answer_id)
    if found.is_question:
        raise Http404(_("There is no such message."))
    return found


def still_answering() -> str:
    return _("The answer before is still being written. Wait for it, or stop it.")


def _pictures(urls: list[str]) -> list[pictures.Picture]:
    try:
        return [pictures.read(url) for url in urls]
    except pictures.BadPicture as problem:
        raise Refused("VALIDATION_ERROR", bad_picture()) from problem


def bad_picture() -> str:
    message = _("This is no picture that can be sent: PNG, JPEG, GIF or WebP of at most %(limit)s MB.")
    return message % {"limit": pictures.FILE_LIMIT // 1024 // 1024}


def _added(request: HttpRequest, messages: list[Message]) -> JsonResponse:
    conversation = messages[-1].conversation
    html = render_to_string(
        "tutor/_thread.html", {"thread": showing.shown(messages), "last": messages[-1]}, request
    )
    known = {"id": str(conversation.pk), "title": conversation.title}
    return JsonResponse({"conversation": known, "html": html}, status=201)


def _budget(request: HttpRequest) -> dict[str, Any] | None:
    tightest = budgets.tightest(owner_of(user_id=request.user.pk, visitor=guest_key(request)))
    return tightest and {**tightest, "currency": settings.MODEL_CURRENCY}
