"""Addresses of the curation pages."""

from django.urls import include, path

from .views import accounts, home, projects

urlpatterns = [
    path("", home.home, name="home"),
    # accounts
    path("login/", accounts.login, name="login"),
    path("logout/", accounts.logout, name="logout"),
    path("password/", accounts.password_change, name="password_change"),
    path("password/done/", accounts.password_change_done, name="password_change_done"),
    path("password-reset/", accounts.password_reset, name="password_reset"),
    path("password-reset/sent/", accounts.password_reset_done, name="password_reset_done"),
    path("password-reset/<uidb64>/<token>/", accounts.password_reset_confirm, name="password_reset_confirm"),
    path("password-reset/complete/", accounts.password_reset_complete, name="password_reset_complete"),
    # projects
    path("projects/new/", projects.project_create, name="project_create"),
    path("p/<slug:slug>/", projects.project_detail, name="project_detail"),
    path("", include("curation.urls_review")),
]
