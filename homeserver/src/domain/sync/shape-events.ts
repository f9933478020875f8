import type { ClientEvent } from 'federation-spec/api/schemas/events.ts';
import type { SyncFilter } from 'federation-spec/api/schemas/filters.ts';
import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { readPdu } from '../rooms/read-pdu.ts';

/** Gives an event the form that a client asks for, from its text and its usual form. */
export type ShapeEvent = (event: StoredEvent, rendered: ClientEvent) => ClientEvent;

/** By `event_format` and `event_fields`; undefined when the usual form is wanted. https://spec.matrix.org/latest/client-server-api/#filtering */
export function createShapeEvent({ event_format: format, event_fields: fields }: SyncFilter = {}): ShapeEvent | undefined {
  if (format !== 'federation' && fields === undefined) return undefined;
  const paths = fields?.map(readPath);
  return (event, rendered) => {
    const whole =
      format === 'federation' ? { ...readPdu(event.json), event_id: event.eventId, unsigned: rendered.unsigned ?? {} } : rendered;
    // What is left of an event need not have what every event has.
    return (paths === undefined ? whole : pick(whole as JsonObject, paths)) as ClientEvent;
  };
}

/** The keys between dots; a backslash before a dot or a backslash takes its meaning away. */
export function readPath(field: string): string[] {
  return [...field.matchAll(/(?:^|\.)((?:[^.\\]|\\.?)*)/g)].map(([, key = '']) => key.replace(/\\([.\\])/g, '$1'));
}

function pick(event: JsonObject, paths: readonly (readonly string[])[]): JsonObject {
  const picked: JsonObject = {};
  for (const path of paths) copy(event, picked, path);
  return picked;
}

function copy(from: JsonObject, to: JsonObject, [key, ...rest]: readonly string[]): void {
  if (key === undefined || !Object.hasOwn(from, key)) return;
  const value = from[key];
  if (value === undefined) return;
  if (rest.length === 0) define(to, key, value);
  else if (isJsonObject(value)) {
    const inner = Object.hasOwn(to, key) && isJsonObject(to[key]) ? to[key] : {};
    copy(value, inner, rest);
    if (Object.keys(inner).length > 0) define(to, key, inner);
  }
}

/** Also for a key that objects inherit, such as `__proto__`. */
function define(to: JsonObject, key: string, value: JsonObject[string]): void {
  Object.defineProperty(to, key, { value, enumerable: true, configurable: true, writable: true });
}
