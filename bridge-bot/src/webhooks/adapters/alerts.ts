import { createHash } from 'node:crypto';
import { isJsonObject, type JsonObject, numberIn, objectIn, stringIn } from 'client/matrix/json.ts';
import type { Adapter, HookMessage, Rendering } from './adapter.ts';
import { jsonAnswer, plainRefusal } from './answers.ts';
import { objectsIn } from './json-lists.ts';
import { bold, code, cut, join, lines, link, list, plain, type Rich } from './rich-text.ts';
import { isFresh, isHmacSha256 } from './signatures.ts';

const MAX_ALERTS = 15;
const MAX_LABELS = 12;
const MAX_VALUE_CHARACTERS = 300;
/** Labels that the heading says already. */
const HEADING_LABELS = new Set(['alertname', 'grafana_folder']);

/** Prometheus' Alertmanager, version 4 of its webhook. https://prometheus.io/docs/alerting/latest/configuration/#webhook_config */
export const alertmanagerAdapter: Adapter = {
  dialect: 'alertmanager',
  recognises: ({ payload }) => isAlertPayload(payload) && stringIn(payload, 'version') === '4',
  render: ({ payload }) => renderAlerts(payload),
  accepted: jsonAnswer(200, { ok: true }),
  refused: plainRefusal,
};

/** Grafana's webhook contact point. https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/ */
export const grafanaAdapter: Adapter = {
  dialect: 'grafana',
  recognises: ({ payload }) =>
    isAlertPayload(payload) && (numberIn(payload, 'orgId') !== undefined || stringIn(payload, 'title') !== undefined),
  render: ({ payload }) => renderAlerts(payload),
  /** Where the contact point names a header for the time, the signature covers it, too: it must be `X-Grafana-Alerting-Timestamp`. */
  verify({ headers, body }, secret, nowMs) {
    const hex = headers['x-grafana-alerting-signature'] ?? '';
    const timestamp = headers['x-grafana-alerting-timestamp'];
    if (timestamp === undefined) return isHmacSha256(secret, [body], hex);
    return isFresh(timestamp, nowMs) && isHmacSha256(secret, [`${timestamp}:`, body], hex);
  },
  accepted: jsonAnswer(200, { ok: true }),
  refused: plainRefusal,
};

function isAlertPayload(payload: unknown): payload is JsonObject {
  return isJsonObject(payload) && Array.isArray(payload['alerts']) && typeof payload['status'] === 'string';
}

function renderAlerts(payload: unknown): Rendering {
  if (!isAlertPayload(payload)) return { kind: 'invalid', reason: 'alerts and status were expected' };
  const alerts = objectsIn(payload, 'alerts');
  const isResolved = stringIn(payload, 'status') === 'resolved';
  const shown = alerts.slice(0, MAX_ALERTS).map(renderAlert);
  const rest = alerts.length > MAX_ALERTS ? plain(`and ${alerts.length - MAX_ALERTS} more`) : undefined;
  const content = lines(renderHeading(payload, alerts, isResolved), list(shown), rest);
  const message: HookMessage = { ...content, ...threadOf(payload), isFinal: isResolved };
  return { kind: 'messages', messages: [message] };
}

/** One group of alerts is one message: it fires, changes, and is resolved in place. */
function threadOf(payload: JsonObject): { threadKey?: string } {
  const groupKey = stringIn(payload, 'groupKey');
  if (groupKey === undefined || groupKey === '') return {};
  return {
    threadKey: createHash('sha256')
      .update(`${stringIn(payload, 'receiver') ?? ''}\u0000${groupKey}`)
      .digest('base64url'),
  };
}

function renderHeading(payload: JsonObject, alerts: readonly JsonObject[], isResolved: boolean): Rich {
  const firing = alerts.filter((alert) => stringIn(alert, 'status') !== 'resolved').length;
  const name =
    stringIn(objectIn(payload, 'groupLabels'), 'alertname') ?? stringIn(objectIn(payload, 'commonLabels'), 'alertname') ?? 'alerts';
  const title = stringIn(payload, 'title') ?? (isResolved ? `[RESOLVED] ${name}` : `[FIRING:${firing}] ${name}`);
  const url = stringIn(payload, 'externalURL');
  const label = bold(cut(title, MAX_VALUE_CHARACTERS));
  return join([isResolved ? '✅ ' : '🔥 ', url === undefined || url === '' ? label : link(url, label)]);
}

function renderAlert(alert: JsonObject): Rich {
  const labels = objectIn(alert, 'labels');
  const annotations = objectIn(alert, 'annotations');
  const icon = stringIn(alert, 'status') === 'resolved' ? '✅ ' : '🔥 ';
  const summary = stringIn(annotations, 'summary') ?? stringIn(annotations, 'message');
  const description = stringIn(annotations, 'description');
  const values = stringIn(alert, 'valueString');
  return lines(
    join([
      icon,
      bold(stringIn(labels, 'alertname') ?? 'alert'),
      summary === undefined ? undefined : plain(`: ${cut(summary, MAX_VALUE_CHARACTERS)}`),
    ]),
    description === undefined ? undefined : plain(cut(description, MAX_VALUE_CHARACTERS)),
    renderLabels(labels),
    values === undefined || values === '' ? undefined : code(cut(values, MAX_VALUE_CHARACTERS)),
    renderLinks(alert, annotations),
  );
}

function renderLabels(labels: JsonObject | undefined): Rich | undefined {
  const shown = Object.entries(labels ?? {}).filter(
    ([name, value]) => !HEADING_LABELS.has(name) && typeof value === 'string' && value !== '',
  );
  if (shown.length === 0) return undefined;
  return join(
    shown.slice(0, MAX_LABELS).map(([name, value]) => code(cut(`${name}=${String(value)}`, MAX_VALUE_CHARACTERS))),
    ' ',
  );
}

function renderLinks(alert: JsonObject, annotations: JsonObject | undefined): Rich | undefined {
  const links: [label: string, url: string | undefined][] = [
    ['source', stringIn(alert, 'generatorURL')],
    ['silence', stringIn(alert, 'silenceURL')],
    ['dashboard', stringIn(alert, 'dashboardURL')],
    ['panel', stringIn(alert, 'panelURL')],
    ['image', stringIn(alert, 'imageURL')],
    ['runbook', stringIn(annotations, 'runbook_url')],
  ];
  const there = links.flatMap(([label, url]) => (url === undefined || url === '' ? [] : [link(url, label)]));
  return there.length === 0 ? undefined : join(there, ' · ');
}
