"""People's e-mail addresses, where allauth would let two accounts have the same one."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.forms import AddEmailForm
from allauth.account.internal.userkit import filter_users_by_email


class AddAddressForm(AddEmailForm):  # type: ignore[misc] # allauth ships no types
    """Takes an address that no account has, confirmed or not: any may become a main one; these are unique."""

    def clean_email(self) -> str:
        address: str = super().clean_email()
        if filter_users_by_email(address):
            raise get_adapter().validation_error("email_taken")
        return address
