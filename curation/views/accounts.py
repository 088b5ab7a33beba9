"""Logging in and out, and passwords: Django's own views under our addresses, and what was typed goes through them."""

from django.contrib import messages
from django.contrib.auth import views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.csrf import csrf_failure as plain_csrf_failure
from django.views.decorators.http import require_http_methods, require_safe

from curation import kept_posts

TYPED_IS_BACK = "You are logged in. What you typed is back in its form; it was not sent: look at it, and send it."

# Django's form views also take PUT, and one of them any method.
form = require_http_methods(["GET", "HEAD", "POST"])


class LogIn(views.LoginView):
    """The log-in; a form that came without a session is carried through it (see kept_posts)."""

    redirect_authenticated_user = True

    @method_decorator(login_not_required)
    def dispatch(self, request, *args, **kwargs):
        # They logged in in another window meanwhile.
        if request.method == "POST" and request.POST.get("carried") and request.user.is_authenticated:
            return self._with_what_was_typed(HttpResponseRedirect(self.get_success_url()))
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form):
        response = super().form_valid(form)
        return self._with_what_was_typed(response) if self.request.POST.get("carried") else response

    def _with_what_was_typed(self, response):
        address = kept_posts.take_in(self.request.POST["carried"], self.request.user)
        if not address:
            messages.warning(
                self.request, "What was typed before was of another account, or a day old: it was not taken over."
            )
            return response
        messages.info(self.request, TYPED_IS_BACK)
        return redirect(address)

    def get_context_data(self, **kwargs):
        return super().get_context_data(carried=self.request.POST.get("carried", ""), **kwargs)


def ask_to_log_in(request, leads_to):
    """The log-in for a form that came without a session, with what was typed in it."""
    carried = kept_posts.sealed(request)
    context = {"form": AuthenticationForm(request), "next": leads_to, "carried": carried, "too_much": not carried}
    return render(request, "registration/login.html", context, status=403)


def csrf_failure(request, reason=""):
    """The page was opened before its person logged in anew. What was typed on a page of ours is kept as drafts."""
    ours = kept_posts.same_origin(request)
    if ours and request.method == "POST" and request.POST.get("carried") and request.user.is_authenticated:
        return LogIn.as_view()(request)
    if not ours or not kept_posts.is_kept(request) or request.headers.get("HX-Request"):
        return plain_csrf_failure(request, reason)
    if not request.user.is_authenticated:
        return ask_to_log_in(request, "/")
    address = kept_posts.take_in(kept_posts.sealed(request), request.user)
    if not address:
        return plain_csrf_failure(request, reason)
    messages.info(request, TYPED_IS_BACK)
    return redirect(address)


login = form(LogIn.as_view())
logout = views.LogoutView.as_view()
password_change = form(views.PasswordChangeView.as_view())
password_change_done = require_safe(views.PasswordChangeDoneView.as_view())
password_reset = form(views.PasswordResetView.as_view())
password_reset_done = require_safe(views.PasswordResetDoneView.as_view())
password_reset_confirm = form(views.PasswordResetConfirmView.as_view())
password_reset_complete = require_safe(views.PasswordResetCompleteView.as_view())
