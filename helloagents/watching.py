"""Who else is told how a process does: Sentry of its faults, a collector of OpenTelemetry's of its steps.

Both only where the environment names them. What is not named is not loaded.
"""

from __future__ import annotations

import socket

from django.conf import settings


def start(process: str) -> None:
    """Called once by each lasting process: "web", "worker" or "beat"."""
    if settings.SENTRY_DSN:
        from helloagents import reporting

        reporting.start(
            dsn=settings.SENTRY_DSN,
            environment=settings.SITE_ENVIRONMENT,
            release=settings.SITE_VERSION,
            process=process,
        )
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        _start_tracing(process)


def _start_tracing(process: str) -> None:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

    resource = Resource.create(
        {
            "service.name": f"helloagents-{process}",
            "service.version": settings.SITE_VERSION,
            "service.instance.id": settings.WORKER_NAME or socket.gethostname(),
            "deployment.environment.name": settings.SITE_ENVIRONMENT,
        }
    )
    provider = TracerProvider(resource=resource, sampler=ParentBasedTraceIdRatio(settings.TRACE_SHARE))
    address = f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=address, timeout=5)))
    trace.set_tracer_provider(provider)
