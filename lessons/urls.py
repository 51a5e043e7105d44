"""Pages of the courses. A slug may hold letters of any script, hence `str`."""

from django.urls import path

from lessons import views
from lessons.search.views import search_page

urlpatterns = [
    path("", views.catalogue, name="catalogue"),
    path("search/", search_page, name="search"),
    path("courses/<slug:course>/", views.course, name="course"),
    path("courses/<slug:course>/<str:chapter>/", views.learn, name="chapter"),
    path("courses/<slug:course>/<str:chapter>/<str:lesson>/", views.learn, name="lesson"),
]
