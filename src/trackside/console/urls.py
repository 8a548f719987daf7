"""URLs of the console."""

from django.urls import path

from trackside.console import views

app_name = "console"
urlpatterns = [
    path("", views.home, name="home"),
    path("destinations/<str:name>/", views.destination, name="destination"),
    path("destinations/<str:name>/act", views.act, name="act"),
    path("attempts/<int:number>/", views.attempt, name="attempt"),
    path("login/<str:token>", views.login_by_link, name="login"),
]
