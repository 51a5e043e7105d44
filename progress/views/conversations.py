"""A learner's conversations with the tutor: find one again, keep them in order, take one along."""

from __future__ import annotations

from datetime import datetime, time
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers
from django_htmx.middleware import HtmxDetails

from progress.forms import ConversationForm
from progress.views.tutor import own_conversation, panel_context
from tutor import asking, exporting, searching
from tutor.models import Conversation
from tutor.models.talks import SortedBy

_ON_A_PAGE = 25
_SORTS: dict[str, tuple[SortedBy, bool]] = {
    "recent": ("updated_at", True),
    "oldest": ("created_at", False),
    "title": ("title", False),
}


@require_GET
@login_required
@vary_on_headers("HX-Request")
def conversations(request: HttpRequest) -> HttpResponse:
    """All of them, or those that a search finds; pinned ones first, or in another order."""
    own = Conversation.objects.visible_to(user=request.user)
    query = request.GET.get("q", "").strip()[:200]
    sort = request.GET.get("sort", "")
    model = request.GET.get("model", "")[:100]
    since, until = _day(request, "from", time.min), _day(request, "to", time.max)
    hits = searching.search(own, query, model=model, since=since, until=until) if query else []
    found = {hit.conversation_id: hit for hit in hits}
    if query:
        listed = own.filter(pk__in=found).pinned_first()
    elif sort in _SORTS:
        field, descending = _SORTS[sort]
        listed = own.sorted_by(field, descending=descending)
    else:
        listed = own.pinned_first()
    page = Paginator(listed.titled(request.LANGUAGE_CODE), _ON_A_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "tutor/_conversation_list.html" if HtmxDetails(request) else "tutor/conversations.html",
        {
            "page": page,
            "entries": [(each, found.get(each.pk)) for each in page],
            "query": query,
            "sort": sort,
            "model": model,
            "since": request.GET.get("from", "")[:10],
            "until": request.GET.get("to", "")[:10],
        },
    )


@require_GET
@login_required
def conversation(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """One of them, to read and to go on with."""
    found = own_conversation(request, conversation_id)
    return render(request, "tutor/conversation.html", panel_context(request, found, found.lesson))


@require_POST
@login_required
def rename(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Give it another title."""
    found, form = own_conversation(request, conversation_id), ConversationForm(request.POST)
    if form.is_valid():
        asking.change_conversation(conversation=found, title=form.cleaned_data["title"])
    return redirect("conversation", found.pk)


@require_POST
@login_required
def pin(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Keep it above the others, or not any more."""
    found = own_conversation(request, conversation_id)
    asking.change_conversation(conversation=found, is_pinned=not found.is_pinned)
    return redirect("conversations")


@require_POST
@login_required
def delete(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Take it out of the list."""
    found = own_conversation(request, conversation_id)
    asking.delete_conversations(user=request.user, guest_key="", ids=[found.pk])
    return redirect("conversations")


@require_GET
@login_required
def export(request: HttpRequest, conversation_id: UUID, form: str) -> HttpResponse:
    """The conversation as a file: md or json."""
    found = own_conversation(request, conversation_id)
    messages = list(found.messages.standing().for_thread())
    if form == "md":
        answer = HttpResponse(
            exporting.markdown(found, messages), content_type="text/markdown; charset=utf-8"
        )
    elif form == "json":
        answer = JsonResponse(exporting.as_json(found, messages), json_dumps_params={"ensure_ascii": False})
    else:
        raise Http404
    name = content_disposition_header(as_attachment=True, filename=f"{found.title[:60]}.{form}")
    answer["Content-Disposition"] = name or "attachment"
    return answer


def _day(request: HttpRequest, name: str, at: time) -> datetime | None:
    """The beginning or end of a day that the query names."""
    try:
        day = parse_date(request.GET.get(name, "")[:10])
    except ValueError:
        return None
    return timezone.make_aware(datetime.combine(day, at)) if day else None
