"""Logging in and out, and passwords: Django's own views under our addresses."""

from django.contrib.auth import views
from django.views.decorators.http import require_http_methods, require_safe

# Django's form views also take PUT, and one of them any method.
form = require_http_methods(["GET", "HEAD", "POST"])

login = form(views.LoginView.as_view(redirect_authenticated_user=True))
logout = views.LogoutView.as_view()
password_change = form(views.PasswordChangeView.as_view())
password_change_done = require_safe(views.PasswordChangeDoneView.as_view())
password_reset = form(views.PasswordResetView.as_view())
password_reset_done = require_safe(views.PasswordResetDoneView.as_view())
password_reset_confirm = form(views.PasswordResetConfirmView.as_view())
password_reset_complete = require_safe(views.PasswordResetCompleteView.as_view())
