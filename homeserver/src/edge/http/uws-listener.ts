import type * as Uws from 'uWebSockets.js';
import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { BridgedResponse } from './bridged-response.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import type { LiveSocket, SocketHandler, SocketRoute } from './live-socket.ts';
import { ClientGone, RequestBody, type Throttle } from './request-body.ts';

/** What uWebSockets.js takes for request line and headers together, before it answers 431. Must stand in the environment when it loads. */
const MAX_HEADER_BYTES = 32 * 1024;
/** Frames that wait for a slow WebSocket client; beyond, frames are dropped and `send` says so. */
const MAX_SOCKET_BACKLOG_BYTES = 4 * 1024 * 1024;
/** The last answers are on their way out when their handlers are done. */
const FLUSH_MS = 20;
const SOCKET_IDLE_TIMEOUT_S = 120;
const NO_BODY_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Without it two processes may listen on one port, and requests go to either. */
const EXCLUSIVE = 1;
/** uWebSockets.js has this form; its types forget it. */
type ExclusiveListen = {
  listen(host: string, port: number, options: number, callback: (socket: Uws.us_listen_socket | false) => void): unknown;
};

export type Tls = { port: number; certFile: string; keyFile: string };

export type ListenerOptions = {
  host: string;
  port: number;
  tls: Tls | undefined;
  /** What `koa.callback()` returns. Its types ask for node's own pair; it takes a `BridgedRequest` and a `BridgedResponse`. */
  handle: (request: never, response: never) => unknown;
  sockets: readonly SocketRoute[];
  /** The address behind a trusted proxy. */
  clientIp: (peer: string, forwardedFor: string | undefined) => string;
  connections: ConnectionLimits;
};

export type Listener = {
  port: number;
  tlsPort: number | undefined;
  /**
   * Stops taking connections, tells long polls to answer (their `signal`), waits until the requests in flight are answered or
   * `timeoutMs` have passed, and closes what is left.
   */
  stop(timeoutMs: number): Promise<void>;
};

/** A request as Koa and the dispatcher see it. */
export type BridgedRequest = {
  method: string;
  url: string;
  headers: Record<string, string>;
  headerValues(name: string): string[];
  httpVersion: '1.1';
  httpVersionMajor: 1;
  ip: string;
  body: RequestBody | undefined;
  signal: AbortSignal;
  socket: EventEmitter & { writable: boolean; encrypted: boolean; remoteAddress: string };
};

/**
 * Listens on the public port, and on the TLS port when there is one. Slow senders are uWebSockets.js' own business: it drops a
 * connection whose headers take 10 s, or whose body comes slower than 16 kB/s.
 *
 * @throws when a port is taken, or the certificate cannot be read
 */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const uws = await loadUws();
  const inFlight: InFlight = { stopping: false, requests: new Map() };
  const apps: Uws.TemplatedApp[] = [];
  const listenSockets: Uws.us_listen_socket[] = [];
  const open = new Set<Uws.WebSocket<SocketData>>();

  const start = async (app: Uws.TemplatedApp, port: number, encrypted: boolean): Promise<number> => {
    apps.push(app);
    app.filter((res, change) => noteConnection(res, Number(change), options.connections));
    for (const route of options.sockets) app.ws(route.path, socketBehavior(uws, route, options, open));
    app.any('/*', (res, req) => answer(res, req, { ...options, encrypted, inFlight }));
    const socket = await new Promise<Uws.us_listen_socket | false>((resolve) =>
      (app as unknown as ExclusiveListen).listen(options.host, port, EXCLUSIVE, resolve),
    );
    if (socket === false) throw new Error(`Cannot listen on ${options.host} port ${port}: the port is taken, or needs more rights`);
    listenSockets.push(socket);
    return uws.us_socket_local_port(socket);
  };

  const closeAll = () => {
    for (const socket of listenSockets.splice(0)) uws.us_listen_socket_close(socket);
    for (const app of apps.splice(0)) app.close();
  };

  try {
    const port = await start(uws.App(), options.port, false);
    const { tls } = options;
    const tlsPort = tls === undefined ? undefined : await start(createTlsApp(uws, tls), tls.port, true);
    return { port, tlsPort, stop };
  } catch (error) {
    closeAll();
    throw error;
  }

  async function stop(timeoutMs: number): Promise<void> {
    for (const socket of listenSockets.splice(0)) uws.us_listen_socket_close(socket);
    inFlight.stopping = true;
    for (const abort of inFlight.requests.values()) abort(new Error('the server is stopping'));
    for (const socket of [...open]) socket.end(1001, 'the server is stopping');
    await untilEmpty(inFlight.requests, timeoutMs);
    await delay(FLUSH_MS);
    closeAll();
  }
}

async function loadUws(): Promise<typeof Uws> {
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] ??= String(MAX_HEADER_BYTES);
  try {
    return await import('uWebSockets.js');
  } catch (cause) {
    throw new Error(
      `uWebSockets.js has no build for Node ${process.version} on ${process.platform}-${process.arch}. ` +
        'Use Node 22 on Linux (glibc), macOS or Windows, and run npm install again under that Node.',
      { cause },
    );
  }
}

function createTlsApp(uws: typeof Uws, { certFile, keyFile }: Tls): Uws.TemplatedApp {
  try {
    return uws.SSLApp({ cert_file_name: certFile, key_file_name: keyFile });
  } catch (cause) {
    throw new Error(`The TLS port cannot use certificate ${certFile} with key ${keyFile}`, { cause });
  }
}

/** A WebSocket's end is told to its own handler, not here. */
function noteConnection(res: Uws.HttpResponse, change: number, connections: ConnectionLimits): void {
  if (change < 0) connections.closed();
  else if (!connections.opened(peerOf(res))) res.close();
}

function peerOf(res: Uws.HttpResponse): string {
  return Buffer.from(res.getRemoteAddressAsText()).toString();
}

type AnswerOptions = Pick<ListenerOptions, 'handle' | 'clientIp'> & {
  encrypted: boolean;
  inFlight: InFlight;
};

/** The requests that are not answered yet, each with the way to hurry it. */
type InFlight = { stopping: boolean; requests: Map<BridgedResponse, (reason: Error) => void> };

function answer(res: Uws.HttpResponse, req: Uws.HttpRequest, options: AnswerOptions): void {
  const { inFlight } = options;
  const headers: Record<string, string> = Object.create(null);
  const pairs: [string, string][] = [];
  req.forEach((name, value) => {
    pairs.push([name, value]);
    const earlier = headers[name];
    headers[name] = earlier === undefined ? value : `${earlier}, ${value}`;
  });
  const method = req.getMethod().toUpperCase();
  // The library's types promise a string, but without a question mark it gives undefined.
  const query = req.getQuery() as string | undefined;
  const peer = peerOf(res);
  const socket = Object.assign(new EventEmitter(), { writable: true, encrypted: options.encrypted, remoteAddress: peer });
  const response = new BridgedResponse(res, socket, method === 'HEAD');
  const body = NO_BODY_METHODS.has(method) ? undefined : new RequestBody(throttleOf(res, response));

  let controller: AbortController | undefined;
  const request: BridgedRequest = {
    method,
    url: query === undefined ? req.getUrl() : `${req.getUrl()}?${query}`, // as it came, also with nothing after the question mark: it is signed so
    headers,
    headerValues: (wanted) => pairs.filter(([name]) => name === wanted).map(([, value]) => value),
    httpVersion: '1.1',
    httpVersionMajor: 1,
    ip: options.clientIp(peer, headers['x-forwarded-for']),
    body,
    socket,
    get signal() {
      controller ??= new AbortController();
      if (response.aborted || inFlight.stopping) controller.abort();
      return controller.signal;
    },
  };

  inFlight.requests.set(response, (reason) => {
    response.closeConnection = true;
    controller?.abort(reason);
  });
  response.once('finish', () => inFlight.requests.delete(response));
  response.closeConnection = inFlight.stopping;
  res.onAborted(() => {
    response.abort();
    const gone = new ClientGone();
    body?.fail(gone);
    controller?.abort(gone);
  });
  if (body !== undefined) {
    response.onAnswering = () => body.abandon();
    res.onData((chunk, last) => {
      if (!response.finished) body.push(chunk, last); // what comes after the answer is nobody's
    });
  }
  options.handle(request as never, response as never); // they look enough like what Koa asks for
}

/** The wire response must not be touched once it was answered or the client hung up. */
function throttleOf(res: Uws.HttpResponse, response: BridgedResponse): Throttle {
  const onlyWhileOpen = (work: () => void) => () => {
    if (!response.finished) work();
  };
  return { pause: onlyWhileOpen(() => res.pause()), resume: onlyWhileOpen(() => res.resume()) };
}

type SocketData = { ip: string; handler: SocketHandler | undefined };

function socketBehavior(
  uws: typeof Uws,
  route: SocketRoute,
  { clientIp, connections }: Pick<ListenerOptions, 'clientIp' | 'connections'>,
  open: Set<Uws.WebSocket<SocketData>>,
): Uws.WebSocketBehavior<SocketData> {
  return {
    maxPayloadLength: route.maxPayloadBytes,
    maxBackpressure: MAX_SOCKET_BACKLOG_BYTES,
    idleTimeout: SOCKET_IDLE_TIMEOUT_S,
    sendPingsAutomatically: true,
    compression: uws.DISABLED,
    upgrade(res, req, context) {
      const ip = clientIp(peerOf(res), req.getHeader('x-forwarded-for') || undefined);
      const [key, protocol, extensions] = ['key', 'protocol', 'extensions'].map((name) => req.getHeader(`sec-websocket-${name}`));
      res.upgrade<SocketData>({ ip, handler: undefined }, key ?? '', protocol ?? '', extensions ?? '', context);
    },
    open(ws) {
      open.add(ws);
      ws.getUserData().handler = route.open(liveSocket(ws, open));
    },
    message(ws, message, isBinary) {
      if (isBinary) ws.end(1003, 'text frames only');
      else ws.getUserData().handler?.message(Buffer.from(message).toString('utf8'));
    },
    close(ws) {
      open.delete(ws);
      connections.closed();
      ws.getUserData().handler?.closed();
    },
  };
}

/** uWebSockets.js throws when a closed socket is touched; here that is a frame that was not sent. */
function liveSocket(ws: Uws.WebSocket<SocketData>, open: ReadonlySet<Uws.WebSocket<SocketData>>): LiveSocket {
  const DROPPED = 2;
  return {
    ip: ws.getUserData().ip,
    send: (text) => open.has(ws) && ws.send(text) !== DROPPED,
    bufferedBytes: () => (open.has(ws) ? ws.getBufferedAmount() : 0),
    close: (code, reason) => {
      if (open.has(ws)) ws.end(code, reason);
    },
  };
}

async function untilEmpty(requests: ReadonlyMap<BridgedResponse, unknown>, timeoutMs: number): Promise<void> {
  const answered = [...requests.keys()].map((response) => new Promise<void>((resolve) => response.once('finish', () => resolve())));
  const waiting = new AbortController();
  await Promise.race([Promise.all(answered), delay(timeoutMs, undefined, { signal: waiting.signal }).catch(() => undefined)]);
  waiting.abort();
}
