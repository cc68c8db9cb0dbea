"""Sends business events with the OpenTelemetry SDK for Python, as an application would: log records, spans and a metric.

usage: send.py grpc|http ENDPOINT KEY PREFIX
Ends with 0 only when the SDK says that everything was exported. The collected orders are PREFIX-log and PREFIX-span.
"""

import logging
import sys
import time

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.metrics import Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def exporters(protocol, endpoint, key):
    if protocol == "grpc":
        from grpc import Compression
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        how = {
            "endpoint": endpoint,
            "insecure": True,
            "headers": (("authorization", f"Bearer {key}"),),
            "compression": Compression.Gzip,
        }
        return OTLPLogExporter(**how), OTLPSpanExporter(**how), OTLPMetricExporter(**how)

    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    def how(signal):
        return {
            "endpoint": f"{endpoint}/v1/{signal}",
            "headers": {"authorization": f"Bearer {key}"},
            "compression": Compression.Gzip,
        }

    return OTLPLogExporter(**how("logs")), OTLPSpanExporter(**how("traces")), OTLPMetricExporter(**how("metrics"))


def attributes(order, verb):
    return {
        "biz.event.id": f"py-{order}-{verb}",
        "biz.object.type": "order",
        "biz.object.id": order,
        "biz.time": "2026-11-10T09:00:00+01:00",
    }


def main():
    protocol, endpoint, key, prefix = sys.argv[1:5]
    failures = []

    class Watch(logging.Handler):
        """An exporter that gives up says so only in its log."""

        def emit(self, record):
            failures.append(record.getMessage())

    watch = Watch(level=logging.WARNING)
    for name in ("opentelemetry", "opentelemetry.exporter", "opentelemetry.sdk"):
        logging.getLogger(name).addHandler(watch)

    resource = Resource.create({"service.name": "python-erp", "biz.source": "erp/python"})
    logs, spans, metrics = exporters(protocol, endpoint, key)

    log_provider = LoggerProvider(resource=resource)
    log_provider.add_log_record_processor(BatchLogRecordProcessor(logs))
    logger = log_provider.get_logger("erp")
    now = time.time_ns()
    logger.emit(
        LogRecord(
            timestamp=now,
            observed_timestamp=now,
            severity_number=SeverityNumber.INFO,
            event_name="order.created",
            body={
                "customer": "Python & Söhne",
                "lines": [{"line": "10", "sku": "AB-77", "quantity": "5", "unit": "EA"}],
            },
            attributes=attributes(f"{prefix}-log", "created"),
        )
    )

    trace_provider = TracerProvider(resource=resource)
    trace_provider.add_span_processor(BatchSpanProcessor(spans))
    tracer = trace_provider.get_tracer("erp")
    with tracer.start_as_current_span("order.created") as span:
        span.set_attributes(attributes(f"{prefix}-span", "created"))
        span.set_attribute("biz.event.type", "order.created")
        span.set_attribute("biz.data.customer", "Python & Söhne")
        span.set_attribute("biz.data.amount.value", "64.50")
        span.set_attribute("biz.data.amount.currency", "EUR")
        with tracer.start_as_current_span("check stock") as step:
            step.set_attribute("biz.object.type", "order")
            step.set_attribute("biz.object.id", f"{prefix}-span")

    reader = PeriodicExportingMetricReader(metrics, export_interval_millis=60_000)
    meters = MeterProvider(resource=resource, metric_readers=[reader])
    meter = meters.get_meter("erp")
    meter.create_counter("orders", unit="{order}").add(2)
    meter.create_histogram("order.value", unit="EUR").record(64.5)
    meter.create_observable_gauge("queue.depth", callbacks=[lambda _: [Observation(7)]])

    ok = all([log_provider.force_flush(), trace_provider.force_flush(), meters.force_flush()])
    for provider in (log_provider, trace_provider, meters):
        provider.shutdown()
    if failures or not ok:
        print("\n".join(failures) or "a flush failed", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
