"""The rows of this app: calls to models and the keys for them, and the talks with the tutor."""

from tutor.models.calls import ModelCall, ProviderKey, SiteProvider, TotalsBy, validate_models
from tutor.models.talks import Conversation, Message, MessageImage

__all__ = [
    "Conversation",
    "Message",
    "MessageImage",
    "ModelCall",
    "ProviderKey",
    "SiteProvider",
    "TotalsBy",
    "validate_models",
]
