"""Classes: those somebody teaches or learns in, who is in them, and how one gets in and out."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from progress import cohorts, roles
from progress.forms import ClassForm, InstructorForm
from progress.models import Cohort


@require_http_methods(["GET", "POST"])
@login_required
def classes(request: HttpRequest) -> HttpResponse:
    """The classes of whoever asks; an instructor makes a new one by posting its name."""
    is_teacher = roles.is_instructor(request.user) or roles.is_admin(request.user)
    form = ClassForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not is_teacher:
            raise Http404
        if form.is_valid():
            made = cohorts.create_cohort(instructor=request.user, **form.cleaned_data)
            return redirect("class-members", made.pk)
    taught = Cohort.objects.led_by(request.user).counted() if is_teacher else Cohort.objects.none()
    return render(
        request,
        "progress/classes.html",
        {
            "form": form,
            "is_teacher": is_teacher,
            "taught": [cohort for cohort in taught if not cohort.archived_at],
            "archived": [cohort for cohort in taught if cohort.archived_at],
            "joined": Cohort.objects.filter(learners=request.user.pk).prefetch_related("instructors"),
        },
        status=400 if form.errors else 200,
    )


# --- Of those who teach it ------------------------------------------------------------------------


@require_GET
@never_cache  # the page holds the invitation
@login_required
def members(request: HttpRequest, class_id: int) -> HttpResponse:
    """Who is in a class, and the link by which others get in."""
    return _members_page(request, led_class(request, class_id))


@require_POST
@login_required
def change_class(request: HttpRequest, class_id: int, change: str) -> HttpResponse:
    """Rename a class, put it away, bring it back, or make a new link into it."""
    cohort = led_class(request, class_id)
    if change == "rename":
        form = ClassForm(request.POST)
        if not form.is_valid():
            return _members_page(request, cohort, naming=form)
        cohorts.rename_cohort(cohort=cohort, editor=request.user, **form.cleaned_data)
    elif change == "archive":
        cohorts.archive_cohort(cohort=cohort, editor=request.user)
    elif change == "bring-back":
        cohorts.bring_back_cohort(cohort=cohort, editor=request.user)
    else:
        cohorts.renew_invitation(cohort=cohort)
        messages.success(request, _("This is a new link. The old one lets nobody in any more."))
    return redirect("class-members", cohort.pk)


@require_POST
@login_required
def remove_learner(request: HttpRequest, class_id: int, learner_id: int) -> HttpResponse:
    """Take somebody out of a class."""
    cohort = led_class(request, class_id)
    cohorts.leave_cohort(learner=get_object_or_404(cohort.learners, pk=learner_id), cohort=cohort)
    return redirect("class-members", cohort.pk)


@require_POST
@login_required
def add_instructor(request: HttpRequest, class_id: int) -> HttpResponse:
    """Let somebody else teach the class, too."""
    cohort = led_class(request, class_id)
    form = InstructorForm(request.POST)
    if form.is_valid():
        try:
            cohorts.add_instructor(cohort=cohort, **form.cleaned_data)
        except cohorts.NoSuchInstructor:
            form.add_error("login", _("No instructor goes by this name or address."))
    return (
        _members_page(request, cohort, inviting=form) if form.errors else redirect("class-members", cohort.pk)
    )


@require_POST
@login_required
def remove_instructor(request: HttpRequest, class_id: int, instructor_id: int) -> HttpResponse:
    """Take a class away from somebody who teaches it, be it oneself."""
    cohort = led_class(request, class_id)
    instructor = get_object_or_404(cohort.instructors, pk=instructor_id)
    try:
        cohorts.remove_instructor(cohort=cohort, instructor=instructor)
    except cohorts.LastInstructor:
        messages.error(request, _("Somebody has to teach the class. Add another instructor first."))
    still_leads = Cohort.objects.led_by(request.user).filter(pk=cohort.pk).exists()
    return redirect("class-members", cohort.pk) if still_leads else redirect("classes")


def led_class(request: HttpRequest, class_id: int) -> Cohort:
    """A class the caller may look into, or 404: another's looks like none."""
    return get_object_or_404(Cohort.objects.led_by(request.user), pk=class_id)


def _members_page(request: HttpRequest, cohort: Cohort, **forms: Any) -> HttpResponse:
    """With the forms that were filled in wrongly, if any."""
    instructors = list(cohort.instructors.order_by("username"))
    context = {
        "cohort": cohort,
        "tab": "members",
        "naming": ClassForm(initial={"name": cohort.name}),
        "inviting": InstructorForm(),
        "learners": cohort.learners.order_by("username"),
        "instructors": instructors,
        "may_remove_instructors": len(instructors) > 1,
        "invitation": request.build_absolute_uri(reverse("join-class", args=[cohort.invitation])),
    }
    return render(request, "progress/class_members.html", context | forms, status=400 if forms else 200)


# --- Of those who learn in it ---------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@never_cache
def join_class(request: HttpRequest, invitation: str) -> HttpResponse:
    """Says whose class it is and what they will see; posting joins it."""
    cohort = Cohort.objects.open_to(invitation).prefetch_related("instructors").first()
    if cohort is None:
        return render(request, "progress/no_invitation.html", status=404)
    if request.method == "POST" and request.user.is_authenticated:
        try:
            cohorts.join_cohort(learner=request.user, invitation=invitation)
        except cohorts.NoSuchInvitation:
            return render(request, "progress/no_invitation.html", status=404)
        except cohorts.TeachesThere:
            return redirect(cohort)
        messages.success(request, _("You are in “%(name)s”.") % {"name": cohort.name})
        return redirect("classes")
    learns = request.user.is_authenticated and cohort.learners.filter(pk=request.user.pk).exists()
    teaches = request.user.is_authenticated and request.user in cohort.instructors.all()
    return render(
        request, "progress/join_class.html", {"cohort": cohort, "is_learner": learns, "is_teacher": teaches}
    )


@require_POST
@login_required
def leave_class(request: HttpRequest, class_id: int) -> HttpResponse:
    """Stop sharing one's work with a class."""
    cohort = get_object_or_404(Cohort, pk=class_id, learners=request.user.pk)
    cohorts.leave_cohort(learner=request.user, cohort=cohort)
    messages.success(request, _("You have left “%(name)s”.") % {"name": cohort.name})
    return redirect("classes")
