import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import { RE2JS } from 're2js';
import type { Appservice, Namespace } from './appservice.ts';

export type ReadRegistration = { ok: true; appservice: Appservice } | { ok: false; problems: string[] };

const NAMESPACES = ['users', 'aliases', 'rooms'] as const;
const MAX_NAMESPACES = 1_000;
const MAX_REGEX_CHARACTERS = 1_000;
const MAX_PROTOCOLS = 100;

/**
 * Reads a registration that was parsed from its YAML. Every fault is named, not only the first.
 *
 * https://spec.matrix.org/latest/application-service-api/#registration
 */
export function readRegistration(document: unknown, serverName: string): ReadRegistration {
  if (!isJsonObject(document)) return { ok: false, problems: ['is not a map of keys and values'] };
  const problems: string[] = [];
  const appservice: Appservice = {
    id: readText(document, 'id', problems),
    url: readUrl(document, problems),
    asToken: readText(document, 'as_token', problems),
    hsToken: readText(document, 'hs_token', problems),
    senderId: readSender(document, serverName, problems),
    namespaces: readNamespaces(document, problems),
    rateLimited: readFlag(document, ['rate_limited'], true, problems),
    protocols: readProtocols(document, problems),
    receivesEphemeral: readFlag(document, ['receive_ephemeral', 'de.sorunome.msc2409.push_ephemeral'], false, problems),
    receivesEncryption: readFlag(document, ['org.matrix.msc3202'], false, problems),
    answersKeyClaims: readFlag(document, ['org.matrix.msc3983'], false, problems),
    answersKeyQueries: readFlag(document, ['org.matrix.msc3984'], false, problems),
  };
  return problems.length > 0 ? { ok: false, problems } : { ok: true, appservice };
}

function readText(document: JsonObject, key: string, problems: string[]): string {
  const value = document[key];
  if (typeof value === 'string' && value !== '') return value;
  problems.push(value === undefined ? `lacks ${key}` : `has a ${key} that is not text`);
  return '';
}

function readFlag(document: JsonObject, keys: readonly string[], fallback: boolean, problems: string[]): boolean {
  const key = keys.find((candidate) => document[candidate] !== undefined && document[candidate] !== null);
  const value = key === undefined ? fallback : document[key];
  if (typeof value === 'boolean') return value;
  problems.push(`has a ${key} that is neither true nor false`);
  return fallback;
}

function readUrl(document: JsonObject, problems: string[]): string | undefined {
  const value = document['url'];
  if (value === null || value === '') return undefined;
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (typeof value === 'string' && (url?.protocol === 'http:' || url?.protocol === 'https:')) return value.replace(/\/+$/, '');
  problems.push(
    value === undefined ? 'lacks url (null for a service that is sent nothing)' : 'has a url that is no http: or https: address',
  );
  return undefined;
}

function readSender(document: JsonObject, serverName: string, problems: string[]): string {
  const localpart = readText(document, 'sender_localpart', problems);
  const userId = `@${localpart}:${serverName}`;
  const parsed = parseUserId(userId);
  const isUserId = parsed?.localpart === localpart && parsed.grammar !== 'non-compliant';
  if (localpart !== '' && !isUserId) problems.push(`has a sender_localpart that makes no user id: ${JSON.stringify(localpart)}`);
  return userId;
}

function readNamespaces(document: JsonObject, problems: string[]): Appservice['namespaces'] {
  const given = document['namespaces'];
  if (!isJsonObject(given)) {
    problems.push('lacks namespaces');
    return { users: [], aliases: [], rooms: [] };
  }
  const [users, aliases, rooms] = NAMESPACES.map((kind) => readNamespaceList(given[kind], kind, problems));
  return { users: users ?? [], aliases: aliases ?? [], rooms: rooms ?? [] };
}

function readNamespaceList(value: unknown, kind: string, problems: string[]): Namespace[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > MAX_NAMESPACES) {
    problems.push(`has namespaces.${kind} that is not a list of at most ${MAX_NAMESPACES}`);
    return [];
  }
  return value.flatMap((entry: unknown, index) => readNamespace(entry, `namespaces.${kind}[${index}]`, problems) ?? []);
}

function readNamespace(entry: unknown, where: string, problems: string[]): Namespace | undefined {
  const { regex, exclusive } = isJsonObject(entry) ? entry : {};
  if (typeof exclusive !== 'boolean') problems.push(`has ${where}.exclusive that is neither true nor false`);
  if (typeof regex !== 'string' || regex.length > MAX_REGEX_CHARACTERS) {
    problems.push(`has ${where}.regex that is not text of at most ${MAX_REGEX_CHARACTERS} characters`);
    return undefined;
  }
  const matches = compileNamespace(regex);
  if (typeof matches === 'function') return { isExclusive: exclusive === true, matches };
  problems.push(`has ${where}.regex ${JSON.stringify(regex)} that cannot be used: ${matches.reason}`);
  return undefined;
}

/** Identifiers come from anywhere, so the regular expression must not backtrack: look-around and back-references are refused. */
function compileNamespace(regex: string): Namespace['matches'] | { reason: string } {
  try {
    const compiled = RE2JS.compile(regex);
    return (id) => compiled.matcher(id).lookingAt();
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

function readProtocols(document: JsonObject, problems: string[]): string[] {
  const value = document['protocols'] ?? [];
  const isList = Array.isArray(value) && value.length <= MAX_PROTOCOLS;
  if (isList && value.every((protocol): protocol is string => typeof protocol === 'string')) return value;
  problems.push(`has protocols that are not a list of at most ${MAX_PROTOCOLS} names`);
  return [];
}
