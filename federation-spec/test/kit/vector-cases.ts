import { checkIrregularities } from '../../src/canonical-json/check-irregularities.ts';
import { encodeCanonicalJson } from '../../src/canonical-json/encode-canonical-json.ts';
import { readJson } from '../../src/canonical-json/read-json.ts';
import { ed25519PublicKey } from '../../src/crypto/ed25519.ts';
import { decodeBase64, decodeBase64Url, encodeBase64, encodeBase64Url } from '../../src/encoding/base64.ts';
import { checkEventFormat } from '../../src/events/check-event-format.ts';
import { contentHash } from '../../src/events/content-hash.ts';
import type { JsonObject, JsonValue, Pdu, PduDraft } from '../../src/events/event.ts';
import { eventIdOf } from '../../src/events/event-id.ts';
import { redactEvent } from '../../src/events/redact-event.ts';
import { roomIdOf } from '../../src/events/room-id-of.ts';
import { buildContentUri, parseContentUri } from '../../src/identifiers/content-uri.ts';
import { parseEventId } from '../../src/identifiers/event-id.ts';
import { parseKeyId } from '../../src/identifiers/key-id.ts';
import { buildMatrixToUrl, buildMatrixUri, type MatrixLink, parseMatrixLink } from '../../src/identifiers/matrix-link.ts';
import { parseRoomAlias } from '../../src/identifiers/room-alias.ts';
import { parseRoomId } from '../../src/identifiers/room-id.ts';
import { parseServerName, serverNameOf } from '../../src/identifiers/server-name.ts';
import { parseUserId } from '../../src/identifiers/user-id.ts';
import { type RoomVersionRules, roomVersionRules } from '../../src/room-versions/room-versions.ts';
import { signEvent } from '../../src/signing/sign-event.ts';
import { type Signer, signJson, verifyJson } from '../../src/signing/sign-json.ts';
import { listRequiredSigners, verifyEventSignature } from '../../src/signing/verify-event.ts';
import { buildXMatrix, parseXMatrix, requestToSign, type SignedRequest, type XMatrix } from '../../src/signing/x-matrix.ts';

/**
 * Turns the files of `vectors/` into cases to run. It uses nothing of Node, so that a browser can run the same vectors on its own crypto:
 * hand in the parsed file, compare `actual` with `expected`.
 */
export type VectorCase = { shows: string; run: () => Promise<{ actual: unknown; expected: unknown }> };

type VectorFile<Case> = { about: string; cases: ({ shows: string } & Case)[] };

type Repeat = { before?: string; text: string; times: number; after?: string };

/** The vector files this kit can run, by their path below `vectors/`. */
export const VECTOR_FILES = [
  'base64.json',
  'event-format.json',
  'event-ids.json',
  'identifiers.json',
  'json/readable.json',
  'json/unreadable.json',
  'matrix-links.json',
  'redactions.json',
  'signing/event-signatures.json',
  'signing/requests.json',
  'signing/required-signers.json',
  'signing/specification.json',
  'signing/x-matrix-headers.json',
] as const;

export function listVectorCases(name: (typeof VECTOR_FILES)[number], file: unknown): VectorCase[] {
  return LISTERS[name](file);
}

const LISTERS: Record<(typeof VECTOR_FILES)[number], (file: unknown) => VectorCase[]> = {
  'base64.json': listBase64Cases,
  'event-format.json': listEventFormatCases,
  'event-ids.json': listEventIdCases,
  'identifiers.json': listIdentifierCases,
  'json/readable.json': listReadableCases,
  'json/unreadable.json': listUnreadableCases,
  'matrix-links.json': listLinkCases,
  'redactions.json': listRedactionCases,
  'signing/event-signatures.json': listEventSignatureCases,
  'signing/requests.json': listRequestCases,
  'signing/required-signers.json': listRequiredSignerCases,
  'signing/specification.json': listSpecificationCases,
  'signing/x-matrix-headers.json': listXMatrixCases,
};

type Base64Case = { hex: string | null; base64?: string; base64url?: string; decode?: string };

function listBase64Cases(file: unknown): VectorCase[] {
  return (file as VectorFile<Base64Case>).cases.map(({ shows, hex, base64, base64url, decode }) =>
    vectorCase(shows, () => {
      if (decode !== undefined) return [hexOf(decodeBase64(decode)), hex];
      const bytes = bytesOf(hex ?? '');
      const actual = [
        encodeBase64(bytes),
        encodeBase64Url(bytes),
        hexOf(decodeBase64(base64 ?? '')),
        hexOf(decodeBase64Url(base64url ?? '')),
      ];
      return [actual, [base64, base64url, hex, hex]];
    }),
  );
}

type ReadableCase = { json: string; canonical: string | false; exact?: string; irregularities: string[] };

function listReadableCases(file: unknown): VectorCase[] {
  return (file as VectorFile<ReadableCase>).cases.map(({ shows, json, canonical, exact, irregularities }) =>
    vectorCase(shows, () => {
      const bytes = new TextEncoder().encode(json);
      const plain = readJson(bytes);
      const exactly = readJson(bytes, { numbers: 'exact' });
      if (!plain.ok || !exactly.ok) return [plain, { ok: true }];
      const kinds = plain.irregularities.map(({ kind }) => kind);
      if (canonical === false) return [kinds, irregularities];
      return [
        [kinds, encodeCanonicalJson(plain.value), encodeCanonicalJson(exactly.value)],
        [irregularities, canonical, exact ?? canonical],
      ];
    }),
  );
}

type UnreadableCase = { json?: string; hex?: string; repeat?: Repeat };

function listUnreadableCases(file: unknown): VectorCase[] {
  return (file as VectorFile<UnreadableCase>).cases.map(({ shows, json, hex, repeat }) =>
    vectorCase(shows, () => {
      const text = repeat === undefined ? (json ?? '') : repeated(repeat);
      return [readJson(hex === undefined ? new TextEncoder().encode(text) : bytesOf(hex)).ok, false];
    }),
  );
}

const IDENTIFIER_PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  server_name: parseServerName,
  user_id: parseUserId,
  room_id: parseRoomId,
  event_id: parseEventId,
  room_alias: parseRoomAlias,
  key_id: parseKeyId,
  content_uri: (text) => {
    const parsed = parseContentUri(text);
    return parsed !== undefined && buildContentUri(parsed) === text ? parsed : undefined;
  },
  server_of: (text) => {
    const serverName = serverNameOf(text);
    return serverName === undefined ? undefined : { serverName };
  },
};

type IdentifierCase = { kind: string; text?: string; repeat?: Repeat; parsed: JsonObject | null };

function listIdentifierCases(file: unknown): VectorCase[] {
  return (file as VectorFile<IdentifierCase>).cases.map(({ shows, kind, text, repeat, parsed }) =>
    vectorCase(`${kind}: ${shows}`, () => {
      const input = repeat === undefined ? (text ?? '') : repeated(repeat);
      return [IDENTIFIER_PARSERS[kind]?.(input) ?? null, parsed];
    }),
  );
}

type LinkCase = { link: string; parsed: MatrixLink | null; uri?: string; matrix_to?: string };

function listLinkCases(file: unknown): VectorCase[] {
  return (file as VectorFile<LinkCase>).cases.map(({ shows, link, parsed, uri, matrix_to }) =>
    vectorCase(shows, () => {
      const built = parsed === null ? [] : [uri && buildMatrixUri(parsed), matrix_to && buildMatrixToUrl(parsed)];
      return [
        [parseMatrixLink(link) ?? null, ...built],
        [parsed, ...(parsed === null ? [] : [uri, matrix_to])],
      ];
    }),
  );
}

type RedactionCase = { room_versions: string[]; event: Pdu; redacted: Pdu };

function listRedactionCases(file: unknown): VectorCase[] {
  return (file as VectorFile<RedactionCase>).cases.map(({ shows, room_versions, event, redacted }) =>
    vectorCase(shows, () => [room_versions.map((version) => redactEvent(event, rulesOf(version))), room_versions.map(() => redacted)]),
  );
}

type EventIdCase = { room_version: string; event?: Pdu; json?: string; content_hash: string; event_id?: string; room_id: string };

function listEventIdCases(file: unknown): VectorCase[] {
  return (file as VectorFile<EventIdCase>).cases.map(({ shows, room_version, event: given, json, content_hash, event_id, room_id }) =>
    vectorCase(shows, () => {
      const rules = rulesOf(room_version);
      const event = given ?? (readExactly(json ?? '').value as Pdu);
      return [
        [contentHash(event), eventIdOf(event, rules), roomIdOf(event, rules)],
        [content_hash, event_id, room_id],
      ];
    }),
  );
}

type EventFormatCase = {
  room_versions: string[];
  base?: string;
  set?: JsonObject;
  remove?: string[];
  fill?: Repeat & { key: string; in_array?: boolean; in_object?: string };
  text?: string;
  allowed: boolean;
};

function listEventFormatCases(file: unknown): VectorCase[] {
  const { cases, bases } = file as VectorFile<EventFormatCase> & { bases: Record<string, JsonObject> };
  return cases.map((given) =>
    vectorCase(`${given.shows} (${given.base ?? 'any'})`, () => {
      const { value, check } = given.text === undefined ? { value: buildEvent(given, bases), check: undefined } : readExactly(given.text);
      const verdicts = given.room_versions.map((version) => {
        const rules = rulesOf(version);
        const format = checkEventFormat(value, rules);
        return format.allowed && check !== undefined ? check(rules) : format;
      });
      const wrong = verdicts.filter((verdict) => verdict.allowed !== given.allowed);
      return [wrong, []];
    }),
  );
}

function buildEvent({ base = '', set = {}, remove = [], fill }: EventFormatCase, bases: Record<string, JsonObject>): JsonObject {
  const event: JsonObject = { ...bases[base], ...set };
  for (const key of remove) delete event[key];
  if (fill === undefined) return event;
  const text = repeated(fill);
  event[fill.key] = fill.in_array === true ? [text] : fill.in_object === undefined ? text : { [fill.in_object]: text };
  return event;
}

type EventSignatureCase = { room_version: string; event: Pdu; server_name: string; key_id: string; public_key: string; good: boolean };

function listEventSignatureCases(file: unknown): VectorCase[] {
  return (file as VectorFile<EventSignatureCase>).cases.map(({ shows, room_version, event, server_name, key_id, public_key, good }) =>
    vectorCase(shows, async () => {
      const publicKey = decodeBase64(public_key) ?? new Uint8Array();
      return [await verifyEventSignature(event, rulesOf(room_version), { serverName: server_name, keyId: key_id, publicKey }), good];
    }),
  );
}

type RequiredSignersCase = { room_versions: string[]; event: Pdu; signers: string[] };

function listRequiredSignerCases(file: unknown): VectorCase[] {
  return (file as VectorFile<RequiredSignersCase>).cases.map(({ shows, room_versions, event, signers }) =>
    vectorCase(shows, () => [
      room_versions.map((version) => listRequiredSigners(event, rulesOf(version)).sort()),
      room_versions.map(() => signers.toSorted()),
    ]),
  );
}

type SpecificationCase = { json?: JsonObject; event?: PduDraft; sha256?: string; signature: string };
type WithSigner = { seed: string; server_name: string; key_id: string };

function listSpecificationCases(file: unknown): VectorCase[] {
  const { cases, ...signing } = file as VectorFile<SpecificationCase> & WithSigner;
  const signer = signerOf(signing);
  return cases.map(({ shows, json, event, sha256, signature }) =>
    vectorCase(shows, async () => {
      if (event === undefined) return [await signThenVerify(json ?? {}, signer), [signature, true]];
      const signed = await signEvent(event, rulesOf('1'), signer);
      return [
        [signed.hashes.sha256, signed.signatures[signer.serverName]?.[signer.keyId]],
        [sha256, signature],
      ];
    }),
  );
}

type RequestCase = { request: SignedRequest; to_sign: JsonObject; signature: string };

function listRequestCases(file: unknown): VectorCase[] {
  const { cases, ...signing } = file as VectorFile<RequestCase> & WithSigner;
  const signer = signerOf(signing);
  return cases.map(({ shows, request, to_sign, signature }) =>
    vectorCase(shows, async () => {
      const toSign = requestToSign(request);
      return [
        [toSign, await signThenVerify(toSign, signer)],
        [to_sign, [signature, true]],
      ];
    }),
  );
}

type XMatrixCase = { header: string; parsed: { origin: string; destination?: string; key_id: string; signature: string } | null };

function listXMatrixCases(file: unknown): VectorCase[] {
  return (file as VectorFile<XMatrixCase>).cases.map(({ shows, header, parsed }) =>
    vectorCase(shows, () => {
      if (parsed === null) return [parseXMatrix(header), undefined];
      const { key_id, ...others } = parsed;
      const expected: XMatrix = { ...others, keyId: key_id };
      return [
        [parseXMatrix(header), parseXMatrix(buildXMatrix(expected))],
        [expected, expected],
      ];
    }),
  );
}

type Compared = [actual: unknown, expected: unknown];

function vectorCase(shows: string, compare: () => Compared | Promise<Compared>): VectorCase {
  return {
    shows,
    run: async () => {
      const [actual, expected] = await compare();
      return { actual, expected };
    },
  };
}

async function signThenVerify(object: JsonObject, signer: Signer): Promise<[string | undefined, boolean]> {
  const signed = await signJson(object, signer);
  const { serverName, keyId, seed } = signer;
  return [signed.signatures[serverName]?.[keyId], await verifyJson(signed, { serverName, keyId, publicKey: ed25519PublicKey(seed) })];
}

function signerOf({ seed, server_name, key_id }: WithSigner): Signer {
  return { serverName: server_name, keyId: key_id, seed: decodeBase64(seed) ?? new Uint8Array() };
}

function readExactly(text: string) {
  const read = readJson(new TextEncoder().encode(text), { numbers: 'exact' });
  if (!read.ok) throw new Error(`the vector cannot be read: ${read.reason}`);
  const value: JsonValue = read.value;
  return { value, check: (rules: RoomVersionRules) => checkIrregularities(read.irregularities, rules) };
}

function rulesOf(version: string): RoomVersionRules {
  const rules = roomVersionRules(version);
  if (rules === undefined) throw new Error(`room version ${version} is not known`);
  return rules;
}

function repeated({ before = '', text, times, after = '' }: Repeat): string {
  return before + text.repeat(times) + after;
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}

function hexOf(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
