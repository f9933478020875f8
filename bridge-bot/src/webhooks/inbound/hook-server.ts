import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { BotLog } from '../../sdk/bot-options.ts';
import type { Dialect, HookProblem } from '../adapters/adapter.ts';
import { jsonAnswer, plainRefusal } from '../adapters/answers.ts';
import { adapterOf } from '../adapters/find-adapter.ts';
import { parseHookPath } from './hook-path.ts';
import type { HookRegistry } from './hook-registry.ts';
import type { HookAnswer } from './hook-request.ts';
import { readPayload } from './read-payload.ts';
import type { ReceiveHook } from './receive-hook.ts';

const MAX_BODY_BYTES = 1024 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;

export type HookServer = { port: number; stop(): Promise<void> };

type Deps = {
  host: string;
  port: number;
  hooks: HookRegistry;
  receive: ReceiveHook;
  /** What `GET /health` says. */
  health: () => { isWell: boolean; status: string };
  log: BotLog;
};

/** Listens for webhooks, behind a proxy that does the TLS. */
export async function startHookServer(deps: Deps): Promise<HookServer> {
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      answer(deps, request).then(
        (given) => respond(response, given),
        (error: unknown) => {
          deps.log.warn('A webhook request failed', error);
          respond(response, jsonAnswer(500, { ok: false, error: 'Something went wrong here; try again' }));
        },
      );
    },
  );
  server.listen(deps.port, deps.host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : deps.port,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      await closed;
    },
  };
}

async function answer({ hooks, receive, health }: Deps, request: IncomingMessage): Promise<HookAnswer> {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  if (path === '/health') {
    const { isWell, status } = health();
    return jsonAnswer(isWell ? 200 : 503, { status });
  }
  const target = parseHookPath(path);
  if (target === undefined) return plainRefusal('unknown');
  if (request.method !== 'POST' && request.method !== 'PUT')
    return { ...jsonAnswer(405, { ok: false, error: 'Send POST' }), headers: { allow: 'POST, PUT' } };
  const hook = hooks.authenticate(target.hookId, target.secret);
  if (hook === undefined) return refusalFor(target.dialect, 'unknown');

  const body = await readBody(request);
  if (body === undefined) return refusalFor(target.dialect, 'too-large');
  const headers = plainHeaders(request);
  const payload = readPayload(headers['content-type'] ?? '', body);
  if (payload === undefined) return refusalFor(target.dialect, 'bad-payload');
  return receive(hook, target.dialect, { method: request.method, headers, body, payload: payload.value });
}

/** A refusal before anything of the hook is known: it may depend on the address only, so that all wrong addresses are answered alike. */
function refusalFor(dialect: Dialect | undefined, problem: HookProblem): HookAnswer {
  return dialect === undefined ? plainRefusal(problem) : adapterOf(dialect).refused(problem);
}

/** The body, or nothing when it is too large. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function plainHeaders({ headers }: IncomingMessage): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(', ') : value;
  return plain;
}

function respond(response: ServerResponse, { status, contentType, body, headers = {} }: HookAnswer): void {
  // A body that was not read to its end would be taken for the next request.
  if (!response.req.readableEnded) response.setHeader('connection', 'close');
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(body);
}
