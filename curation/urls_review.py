"""Addresses of the review and resolve pages."""

from django.urls import path

from .views import drafts, fixing, resolve, review, review_compare, talk

urlpatterns = [
    path("p/<slug:slug>/review/", review.review, name="review"),
    path("p/<slug:slug>/review/submit/", review.review_submit, name="review_submit"),
    path("p/<slug:slug>/review/skip/", review.review_skip, name="review_skip"),
    path("p/<slug:slug>/review/take-back/", review.review_take_back, name="review_take_back"),
    path("p/<slug:slug>/review/take/", review.review_take, name="review_take"),
    path("p/<slug:slug>/review/compare/", review_compare.review_compare, name="review_compare"),
    path("p/<slug:slug>/review/heartbeat/", review.review_heartbeat, name="review_heartbeat"),
    path("p/<slug:slug>/review/release/", drafts.review_release, name="review_release"),
    path("p/<slug:slug>/review/drafts/", drafts.draft_list, name="draft_list"),
    path("p/<slug:slug>/review/drafts/save/", drafts.draft_save, name="draft_save"),
    path("p/<slug:slug>/review/drafts/drop/", drafts.draft_drop, name="draft_drop"),
    path("p/<slug:slug>/review/fix/<int:annotation>/", fixing.fix, name="fix"),
    path("p/<slug:slug>/review/fix/<int:annotation>/offer/", fixing.fix_offer, name="fix_offer"),
    path("p/<slug:slug>/review/fix/<int:annotation>/take/", fixing.fix_take, name="fix_take"),
    path("p/<slug:slug>/review/fix/<int:annotation>/leave/", fixing.fix_leave, name="fix_leave"),
    path("p/<slug:slug>/review/fix/<int:annotation>/take-back/", fixing.fix_take_back, name="fix_take_back"),
    path("p/<slug:slug>/review/<slug:key>/", review.review_prompt, name="review_prompt"),
    path("p/<slug:slug>/resolve/", resolve.resolve, name="resolve"),
    path("p/<slug:slug>/resolve/next/", resolve.resolve_next, name="resolve_next"),
    path("p/<slug:slug>/resolve/<slug:key>/", resolve.resolve_prompt, name="resolve_prompt"),
    path("p/<slug:slug>/resolve/<slug:key>/submit/", resolve.resolve_submit, name="resolve_submit"),
    path("p/<slug:slug>/resolve/<slug:key>/take-back/", resolve.resolve_take_back, name="resolve_take_back"),
    path("p/<slug:slug>/resolve/<slug:key>/heartbeat/", resolve.resolve_heartbeat, name="resolve_heartbeat"),
    # what is said about prompts
    path("p/<slug:slug>/prompts/<str:key>/talk/", talk.talk, name="talk"),
    path("p/<slug:slug>/prompts/<str:key>/talk/say/", talk.talk_say, name="talk_say"),
    path("p/<slug:slug>/prompts/<str:key>/talk/flag/", talk.talk_flag, name="talk_flag"),
    path("p/<slug:slug>/prompts/<str:key>/talk/flag/<int:pk>/clear/", talk.talk_flag_clear, name="talk_flag_clear"),
    path("mentions/", talk.mentions, name="mentions"),
    path("mentions/seen/", talk.mentions_seen, name="mentions_seen"),
]
