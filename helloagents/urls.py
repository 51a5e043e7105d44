"""URLs. Pages carry their language in the path, so that a language is a link."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from helloagents import health, views
from helloagents.metrics import metrics
from lessons.images import lesson_image

handler400 = views.bad_request
handler500 = views.server_error

urlpatterns = [
    path("health", health.health, name="health"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", metrics, name="metrics"),
    path("robots.txt", views.robots),
    path("favicon.ico", views.favicon),
    path("service-worker.js", views.service_worker, name="service-worker"),
    path("first-admin/<str:token>/", views.first_admin, name="first-admin"),
    path("admin/", admin.site.urls),
    path("images/<str:digest>.<str:ext>", lesson_image, name="lesson-image"),
    path("api/", include("helloagents.api.urls")),
    *i18n_patterns(
        path("offline/", views.offline, name="offline"),
        path("accounts/", include("helloagents.account_urls")),
        path("", include("progress.urls")),
        path("", include("tutor.urls")),
        path("", include("sandbox.urls")),
        path("", include("lessons.urls")),
    ),
]
