import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { readJson } from 'federation-spec/canonical-json/read-json.ts';
import { ed25519PublicKey } from 'federation-spec/crypto/ed25519.ts';
import { encodeBase64 } from 'federation-spec/encoding/base64.ts';
import type { JsonObject, JsonValue, Pdu, PduDraft } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { ROOM_VERSIONS, type RoomVersionRules, roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import { type Signer, signJson } from 'federation-spec/signing/sign-json.ts';
import { buildXMatrix, requestToSign } from 'federation-spec/signing/x-matrix.ts';
import { Agent, request } from 'undici';
import { freePort } from './free-port.ts';
import type { TestCa } from './test-ca.ts';

/** Whom it calls, by name. */
export type Callee = { name: string };

export type PeerAnswer = { status: number; body: JsonObject };
/**
 * Answers a request to the peer: JSON with 200, or whatever `lie` makes; `undefined` is a 404, a promise that never resolves no answer, and
 * a function does with the response what it likes.
 */
export type PeerHandler = (method: string, path: string, body: unknown) => unknown;

/** The room versions whose events it can make: those that name events by their hash. */
const KNOWN_VERSIONS = ROOM_VERSIONS.filter((version) => Number(version) > 2)
  .map((version) => `ver=${version}`)
  .join('&');

/** An answer that no honest server gives. */
export type Lie = { status?: number; headers?: Record<string, string>; body?: string | Uint8Array | AsyncIterable<string | Uint8Array> };
class PreparedLie {
  readonly lie: Lie;
  constructor(lie: Lie) {
    this.lie = lie;
  }
}

/** Makes a handler answer with any status, headers and bytes, also without end. */
export function lie(prepared: Lie): unknown {
  return new PreparedLie(prepared);
}

/** What a handler gives to refuse with another status than 404. */
export function peerError(status: number, errcode: string): unknown {
  return new PreparedLie({ status, body: JSON.stringify({ errcode, error: 'no' }) });
}

/** A server that speaks the protocol by hand, so that a test can have it lie. */
export type HostilePeer = AsyncDisposable & {
  name: string;
  signer: Signer;
  /** Every request it was sent, oldest first. */
  seen: { method: string; path: string; body: unknown }[];
  /** Replaces how it answers everything but the request for its keys. */
  answer: (handler: PeerHandler) => void;
  /** Replaces how it answers the request for its keys; `undefined` brings the truth back. */
  answerKeys: (handler: (() => unknown) | undefined) => void;
  /** Sends a signed request. `authorization` replaces the header. */
  call: (to: Callee, method: string, path: string, body?: unknown, authorization?: string) => Promise<PeerAnswer>;
  /** The same, for an answer that is no JSON. */
  open: (
    to: Callee,
    method: string,
    path: string,
    body?: unknown,
    authorization?: string,
  ) => Promise<{ status: number; headers: Record<string, string>; bytes: Uint8Array }>;
  /** Joins a public room as a user of the peer; gives the room as the resident told it. */
  join: (to: Callee, roomId: string, localpart: string) => Promise<PeerRoom>;
  /** Signs a membership event for which a server has given the template. */
  complete: (made: JsonObject) => Promise<{ event: Pdu; id: string; rules: RoomVersionRules }>;
  sendPdus: (to: Callee, pdus: readonly unknown[], edus?: readonly unknown[], txnId?: string) => Promise<PeerAnswer>;
};

/** A room as the peer sees it. */
export type PeerRoom = {
  roomId: string;
  userId: string;
  rules: RoomVersionRules;
  state: Pdu[];
  join: Pdu;
  joinId: string;
  /** The event upon which the next one builds, and its depth. */
  head: { id: string; depth: number };
  /** An event of the peer's user upon the head, properly hashed and signed; `changes` replaces any part before that. */
  event: (changes: Partial<PduDraft>) => Promise<{ event: Pdu; id: string }>;
};

type PeerOptions = {
  keyId?: string;
  seed?: Uint8Array;
  /** Whether the certificates of those it calls need not be of the test authority. */
  trustsAnybody?: boolean;
};

export async function startHostilePeer(ca: TestCa, { trustsAnybody = false, ...key }: PeerOptions = {}): Promise<HostilePeer> {
  const port = await freePort();
  const name = `localhost:${port}`;
  const signer: Signer = { serverName: name, keyId: 'ed25519:evil', seed: new Uint8Array(randomBytes(32)), ...key };
  const { certFile, keyFile } = await ca.issue(['localhost', '127.0.0.1']);
  const agent = new Agent({ connect: { ca: await readFile(ca.caFile, 'utf8'), rejectUnauthorized: !trustsAnybody } });
  const seen: HostilePeer['seen'] = [];
  let handler: PeerHandler = () => undefined;
  let keyHandler: (() => unknown) | undefined;

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = req.url ?? '';
    if (path.startsWith('/_matrix/key/v2/server')) {
      seen.push({ method: req.method ?? '', path, body: undefined });
      return await answerWith(res, keyHandler === undefined ? await ownKeys(signer) : await keyHandler());
    }
    let text = '';
    for await (const chunk of req) text += chunk;
    const body = text === '' ? undefined : JSON.parse(text);
    seen.push({ method: req.method ?? '', path, body });
    await answerWith(res, await handler(req.method ?? '', path, body));
  }
  const server = createServer({ cert: await readFile(certFile), key: await readFile(keyFile) }, (req, res) => void serve(req, res));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));

  const open: HostilePeer['open'] = async (to, method, path, body, authorization) => {
    const text = body === undefined ? undefined : body instanceof RawJson ? body.text : JSON.stringify(body);
    const content = text === undefined ? undefined : body instanceof RawJson ? body.signed : readExactly(text);
    const signed = await signJson(
      requestToSign({ method, uri: path, origin: name, destination: to.name, ...(content === undefined ? {} : { content }) }),
      signer,
    );
    const signature = signed.signatures[name]?.[signer.keyId] ?? '';
    const response = await request(`https://${to.name}${path}`, {
      dispatcher: agent,
      method: method as 'GET',
      headers: {
        authorization: authorization ?? buildXMatrix({ origin: name, destination: to.name, keyId: signer.keyId, signature }),
        ...(content === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: text ?? null,
    });
    const headers = Object.fromEntries(Object.entries(response.headers).map(([key, value]) => [key, String(value)]));
    return { status: response.statusCode, headers, bytes: new Uint8Array(await response.body.arrayBuffer()) };
  };
  const call: HostilePeer['call'] = async (...request) => {
    const { status, bytes } = await open(...request);
    return { status, body: JSON.parse(new TextDecoder().decode(bytes)) as JsonObject };
  };

  let transactions = 0;
  return {
    name,
    signer,
    seen,
    call,
    open,
    answer: (next) => {
      handler = next;
    },
    answerKeys: (next) => {
      keyHandler = next;
    },
    sendPdus: async (to, pdus, edus = [], txnId) => {
      transactions += 1;
      return await call(to, 'PUT', `/_matrix/federation/v1/send/${txnId ?? `t${transactions}`}`, {
        origin: name,
        origin_server_ts: Date.now(),
        pdus,
        edus,
      });
    },
    complete: (made) => completeTemplate(made, signer),
    join: async (to, roomId, localpart) => await joinRoom({ call, signer }, to, roomId, `@${localpart}:${name}`),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await agent.close();
    },
  };
}

class RawJson {
  readonly text: string;
  readonly signed: JsonValue;
  constructor(text: string, signed: JsonValue) {
    this.text = text;
    this.signed = signed;
  }
}

/** A body for `call` that is sent as it is written, whatever a JSON writer would make of it; what is signed may be something else. */
export function rawJson(text: string, signed: JsonValue = readExactly(text)): unknown {
  return new RawJson(text, signed);
}

/** As the other side reads it: a signature covers how numbers are written. */
function readExactly(text: string): JsonValue {
  const read = readJson(new TextEncoder().encode(text), { numbers: 'exact' });
  if (!read.ok) throw new Error(read.reason);
  return read.value;
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function answerWith(response: ServerResponse, answer: unknown): Promise<void> {
  if (answer === undefined) return reply(response, 404, { errcode: 'M_NOT_FOUND', error: 'no' });
  if (typeof answer === 'function') return void answer(response);
  if (!(answer instanceof PreparedLie)) return reply(response, 200, answer);
  const { status = 200, headers = { 'content-type': 'application/json' }, body = '' } = answer.lie;
  response.writeHead(status, headers);
  if (typeof body === 'string' || body instanceof Uint8Array) {
    response.end(body);
    return;
  }
  for await (const chunk of body) {
    if (response.destroyed) return;
    if (!response.write(chunk)) await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
  }
  response.end();
}

/** A list of keys of a server, signed with one of them. */
export async function signedKeyList(signer: Signer, changes: JsonObject = {}): Promise<JsonObject> {
  const key = encodeBase64(ed25519PublicKey(signer.seed));
  const list = {
    server_name: signer.serverName,
    verify_keys: { [signer.keyId]: { key } },
    old_verify_keys: {},
    valid_until_ts: Date.now() + 86_400_000,
  };
  return await signJson({ ...list, ...changes }, signer);
}

async function completeTemplate(made: JsonObject, signer: Signer): Promise<{ event: Pdu; id: string; rules: RoomVersionRules }> {
  const rules = roomVersionRules(String(made['room_version']));
  if (rules === undefined) throw new Error('an unknown room version');
  const event = await signEvent({ ...(made['event'] as unknown as PduDraft), origin_server_ts: Date.now() }, rules, signer);
  return { event, id: eventIdOf(event, rules), rules };
}
const ownKeys = (signer: Signer) => signedKeyList(signer);

async function joinRoom(
  { call, signer }: Pick<HostilePeer, 'call' | 'signer'>,
  to: Callee,
  roomId: string,
  userId: string,
): Promise<PeerRoom> {
  const path = (endpoint: string, last: string) =>
    `/_matrix/federation/${endpoint}/${encodeURIComponent(roomId)}/${encodeURIComponent(last)}`;
  const made = await call(to, 'GET', `${path('v1/make_join', userId)}?${KNOWN_VERSIONS}`);
  if (made.status !== 200) throw new Error(`make_join: ${JSON.stringify(made)}`);
  const { event: join, id: joinId, rules } = await completeTemplate(made.body, signer);
  const sent = await call(to, 'PUT', path('v2/send_join', joinId), join);
  if (sent.status !== 200) throw new Error(`send_join: ${JSON.stringify(sent)}`);
  const state = [...(sent.body['state'] as unknown as Pdu[]), join];

  const room: PeerRoom = {
    roomId,
    userId,
    rules,
    state,
    join,
    joinId,
    head: { id: joinId, depth: join.depth },
    event: async (changes) => {
      const find = (type: string, key: string) => state.find((event) => event.type === type && event.state_key === key);
      const powers = find('m.room.power_levels', '');
      const create = find('m.room.create', '');
      const auth = [rules.createEventIdIsRoomId ? undefined : create, powers, join].filter((event) => event !== undefined);
      const draft: PduDraft = {
        type: 'm.room.message',
        room_id: roomId,
        sender: userId,
        content: { msgtype: 'm.text', body: 'hello' },
        depth: room.head.depth + 1,
        prev_events: [room.head.id],
        auth_events: auth.map((event) => eventIdOf(event, rules)),
        origin_server_ts: Date.now(),
        ...changes,
      };
      const event = await signEvent(draft, rules, signer);
      return { event, id: eventIdOf(event, rules) };
    },
  };
  return room;
}
