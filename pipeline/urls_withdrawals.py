"""Addresses of what is done to releases later, below p/<slug>/releases/."""

from django.urls import path

from .views import release_notices, withdrawals, withdrawals_listed

urlpatterns = [
    path("withdraw/", withdrawals.release_withdraw, name="release_withdraw"),
    path("withdraw/list/", withdrawals_listed.release_withdraw_list, name="release_withdraw_list"),
    path("withdraw/<int:pk>/", withdrawals.release_withdrawal, name="release_withdrawal"),
    path("withdraw/<int:pk>/again/", withdrawals.release_withdrawal_again, name="release_withdrawal_again"),
    path("withdraw/<int:pk>/purge/", withdrawals.release_purge, name="release_purge"),
    path("<int:version>/notice/", release_notices.release_notice, name="release_notice"),
]
