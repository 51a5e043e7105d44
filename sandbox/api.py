"""The pools' figures over the API."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from sandbox.dashboard import pool_stats
from sandbox.views import may_see_pool


class PoolStatsSerializer(serializers.Serializer[Any]):
    """Sums over all worker hosts that live."""

    pool_enabled = serializers.BooleanField()
    available_containers = serializers.IntegerField()
    in_use_containers = serializers.IntegerField()
    total_containers = serializers.IntegerField()
    total_created = serializers.IntegerField()
    total_destroyed = serializers.IntegerField()
    total_executions = serializers.IntegerField()
    total_resets = serializers.IntegerField()
    health_check_failures = serializers.IntegerField()
    timestamp = serializers.FloatField(help_text="Seconds since 1970.")
    message = serializers.CharField(help_text="What is wrong, in words; empty when all is well.")
    hosts = serializers.ListField(child=serializers.DictField(), help_text="Each host's own figures.")


class PoolStats(APIView):
    """For instructors and admins; to anybody else the address does not exist."""

    permission_classes = [AllowAny]
    error_codes = ("RESOURCE_NOT_FOUND",)

    @extend_schema(
        operation_id="pool_stats",
        tags=["sandbox"],
        summary="Figures of the container pools",
        responses=PoolStatsSerializer,
    )
    def get(self, request: Request) -> Response:
        if not may_see_pool(request.user):
            raise Http404
        answer = Response(pool_stats())
        answer["Cache-Control"] = "no-store"
        return answer
