"""Addresses of the curation pages."""

from django.urls import include, path

from .views import (
    accounts,
    home,
    members,
    projects,
    prompt_life,
    prompt_list,
    prompts,
    queueing,
    saved_views,
    settings,
    teachers,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("favicon.ico", home.favicon, name="favicon"),
    # accounts
    path("login/", accounts.login, name="login"),
    path("logout/", accounts.logout, name="logout"),
    path("password/", accounts.password_change, name="password_change"),
    path("password/done/", accounts.password_change_done, name="password_change_done"),
    path("password-reset/", accounts.password_reset, name="password_reset"),
    path("password-reset/sent/", accounts.password_reset_done, name="password_reset_done"),
    path("password-reset/<uidb64>/<token>/", accounts.password_reset_confirm, name="password_reset_confirm"),
    path("password-reset/complete/", accounts.password_reset_complete, name="password_reset_complete"),
    path("invitation/<str:token>/", members.invitation_take, name="invitation_take"),
    # endpoints, for site administrators
    path("teachers/new/", teachers.teacher_create, name="teacher_create"),
    path("teachers/<int:pk>/edit/", teachers.teacher_edit, name="teacher_edit"),
    path("teachers/<int:pk>/forget/", teachers.teacher_forget, name="teacher_forget"),
    # projects
    path("projects/new/", projects.project_create, name="project_create"),
    path("p/<slug:slug>/", projects.project_detail, name="project_detail"),
    path("p/<slug:slug>/progress/", projects.project_progress, name="project_progress"),
    path("p/<slug:slug>/settings/", settings.project_settings, name="project_settings"),
    path("p/<slug:slug>/members/", members.member_list, name="member_list"),
    path("p/<slug:slug>/members/<int:pk>/", members.member_edit, name="member_edit"),
    path("p/<slug:slug>/members/<int:pk>/remove/", members.member_remove, name="member_remove"),
    path("p/<slug:slug>/invitations/", members.invitation_create, name="invitation_create"),
    path("p/<slug:slug>/invitations/<int:pk>/withdraw/", members.invitation_withdraw, name="invitation_withdraw"),
    # prompts
    path("p/<slug:slug>/prompts/", prompt_list.prompt_list, name="prompt_list"),
    path("p/<slug:slug>/prompts/views/save/", saved_views.view_save, name="view_save"),
    path("p/<slug:slug>/prompts/views/<int:pk>/remove/", saved_views.view_remove, name="view_remove"),
    path("p/<slug:slug>/prompts/<str:key>/", prompts.prompt_detail, name="prompt_detail"),
    path("p/<slug:slug>/prompts/<str:key>/life.txt", prompt_life.prompt_text, name="prompt_text"),
    path("p/<slug:slug>/prompts/<str:key>/life.json", prompt_life.prompt_json, name="prompt_json"),
    path("p/<slug:slug>/prompts/<str:key>/reopen/", prompts.prompt_reopen, name="prompt_reopen"),
    path("p/<slug:slug>/prompts/<str:key>/queue/", queueing.prompt_queue, name="prompt_queue"),
    path("p/<slug:slug>/queue/lower/", queueing.queue_lower, name="queue_lower"),
    path("p/<slug:slug>/prompts/<str:key>/retry/", prompts.prompt_retry, name="prompt_retry"),
    path("", include("curation.urls_review")),
    path("", include("curation.urls_quality")),
]
