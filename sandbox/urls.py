from django.urls import path

from sandbox import views

urlpatterns = [
    path("sandbox/", views.dashboard, name="sandbox"),
    path("sandbox/figures/", views.live_figures, name="sandbox-figures"),
]
