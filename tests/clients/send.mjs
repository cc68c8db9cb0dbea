// Sends business events with the OpenTelemetry SDK for JavaScript, as an application would: log records, spans and a metric.
//
// usage: node send.mjs json|protobuf ENDPOINT KEY PREFIX
// Ends with 0 only when every export succeeded. The collected orders are PREFIX-log and PREFIX-span.

import { SpanStatusCode, trace } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

const [form, endpoint, key, prefix] = process.argv.slice(2);
const kind = form === 'json' ? 'http' : 'proto';
const { OTLPLogExporter } = await import(`@opentelemetry/exporter-logs-otlp-${kind}`);
const { OTLPTraceExporter } = await import(`@opentelemetry/exporter-trace-otlp-${kind}`);
const { OTLPMetricExporter } = await import(`@opentelemetry/exporter-metrics-otlp-${kind}`);

const failures = [];
/** What the SDK keeps to itself: whether an export succeeded. */
const watched = (exporter) => {
  const send = exporter.export.bind(exporter);
  exporter.export = (items, done) =>
    send(items, (result) => {
      if (result.code !== 0) failures.push(result.error ?? new Error('an export failed'));
      done(result);
    });
  return exporter;
};
const options = (signal) => ({
  url: `${endpoint}/v1/${signal}`,
  headers: { authorization: `Bearer ${key}` },
  compression: 'gzip',
});
const resource = resourceFromAttributes({ 'service.name': 'javascript-erp', 'biz.source': 'erp/javascript' });
const attributes = (order, verb) => ({
  'biz.event.id': `js-${order}-${verb}`,
  'biz.object.type': 'order',
  'biz.object.id': order,
  'biz.time': '2026-11-10T09:00:00+01:00',
});

const logs = new LoggerProvider({
  resource,
  processors: [new BatchLogRecordProcessor({ exporter: watched(new OTLPLogExporter(options('logs'))) })],
});
logs.getLogger('erp').emit({
  eventName: 'order.created',
  severityNumber: SeverityNumber.INFO,
  body: { customer: 'Skript & Söhne', lines: [{ line: '10', sku: 'AB-77', quantity: '5', unit: 'EA' }] },
  attributes: attributes(`${prefix}-log`, 'created'),
});

const traces = new BasicTracerProvider({
  resource,
  spanProcessors: [new BatchSpanProcessor(watched(new OTLPTraceExporter(options('traces'))))],
});
const tracer = traces.getTracer('erp');
const span = tracer.startSpan('order.created', {
  attributes: {
    ...attributes(`${prefix}-span`, 'created'),
    'biz.event.type': 'order.created',
    'biz.data.customer': 'Skript & Söhne',
    'biz.data.amount.value': '64.50',
    'biz.data.amount.currency': 'EUR',
  },
});
span.setStatus({ code: SpanStatusCode.OK });
span.end();

const meters = new MeterProvider({
  resource,
  readers: [new PeriodicExportingMetricReader({ exporter: watched(new OTLPMetricExporter(options('metrics'))) })],
});
const meter = meters.getMeter('erp');
meter.createCounter('orders').add(2);
meter.createHistogram('order.value').record(64.5);

await Promise.all([logs.forceFlush(), traces.forceFlush(), meters.forceFlush()]);
await Promise.all([logs.shutdown(), traces.shutdown(), meters.shutdown()]);
trace.disable();
for (const failure of failures) console.error(failure);
process.exitCode = failures.length > 0 ? 1 : 0;
