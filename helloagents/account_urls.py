"""Pages of accounts: our own, and of allauth those that this site uses."""

from allauth.socialaccount.providers.github.provider import GitHubProvider
from allauth.socialaccount.providers.google.provider import GoogleProvider
from allauth.socialaccount.providers.oauth2.urls import default_urlpatterns
from django.urls import include, path

from helloagents import account_views, views

urlpatterns = [
    path("", account_views.account, name="account"),
    path("export/", account_views.export, name="account-export"),
    path("export/start/", account_views.start_export, name="account-export-start"),
    path("erase/", account_views.erase, name="account-erase"),
    path("password/reset/", views.password_reset),  # allauth's, where the site sends mail
    path("", include("allauth.account.urls")),
    path("2fa/", include("allauth.mfa.urls")),
    path("sessions/", account_views.sessions, name="usersessions_list"),
    path("3rdparty/", include("allauth.socialaccount.urls")),
    *default_urlpatterns(GitHubProvider),
    *default_urlpatterns(GoogleProvider),
]
