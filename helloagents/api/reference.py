"""The API's reference: its description, and two pages that show it, all served from here."""

from __future__ import annotations

from csp import constants as csp
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.permissions import AllowAny


class Schema(SpectacularJSONAPIView):
    """The description itself, the same for everybody."""

    permission_classes = [AllowAny]
    throttle_classes = []


@require_safe
def swagger(request: HttpRequest) -> HttpResponse:
    """The API to read and to try."""
    return render(request, "helloagents/api/swagger.html")


# ReDoc writes its styles into the page and searches in a worker of its own. Scripts stay files of the site.
@csp_update({"style-src": [csp.SELF, csp.UNSAFE_INLINE], "worker-src": [csp.SELF, "blob:"]})
@require_safe
def redoc(request: HttpRequest) -> HttpResponse:
    """The API to read."""
    return render(request, "helloagents/api/redoc.html")
