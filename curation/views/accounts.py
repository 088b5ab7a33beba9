"""Logging in and out, and passwords: Django's own views under our addresses."""

from django.contrib.auth import views

login = views.LoginView.as_view(redirect_authenticated_user=True)
logout = views.LogoutView.as_view()
password_change = views.PasswordChangeView.as_view()
password_change_done = views.PasswordChangeDoneView.as_view()
password_reset = views.PasswordResetView.as_view()
password_reset_done = views.PasswordResetDoneView.as_view()
password_reset_confirm = views.PasswordResetConfirmView.as_view()
password_reset_complete = views.PasswordResetCompleteView.as_view()
