from django.urls import path

from tutor import views

urlpatterns = [
    path("accounts/model-key/", views.model_key, name="model-key"),
    path("accounts/model-key/forget/", views.forget_model_key, name="forget-model-key"),
    path("model-usage/", views.model_usage, name="model-usage"),
]
