"""What Kombu's Redis transport needs to be mended. Loaded by worker processes alone, which have a Redis."""

from typing import Any

from kombu.transport import redis


class UnrestoredOnLoss(redis.QoS):
    """Lets a worker outlive its Redis whatever it was doing.

    A lost connection is closed twice. The second time Kombu would put back messages that were taken and not
    acknowledged, but has forgotten where Redis is; its AttributeError would end the worker. They are not
    needed: what waits is in the database and is sent again.
    """

    def restore_unacked(self, client: Any = None) -> None:
        if self.channel.connection.client is not None:
            super().restore_unacked(client)


def mend() -> None:
    """Before the worker connects."""
    redis.Channel.QoS = UnrestoredOnLoss
