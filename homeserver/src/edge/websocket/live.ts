import { LIVE_PATH } from 'federation-spec/api/blinkchat/live.ts';
import { type SyncFilter, SyncFilterSchema } from 'federation-spec/api/schemas/filters.ts';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Sync } from '../../domain/sync/sync.ts';
import type { Logger } from '../../platform/logger.ts';
import { errorBody, limitExceeded, MatrixError } from '../../platform/matrix-error.ts';
import type { LiveSocket, SocketHandler, SocketRoute } from '../http/live-socket.ts';
import type { Authenticate, Requester } from '../http/requester.ts';

/** The largest frame a client may send: a token and a filter. */
const MAX_FRAME_BYTES = 64 * 1024;
/** How long a client may take to say who it is, and to acknowledge an update. */
const START_TIMEOUT_MS = 10_000;
const ACK_TIMEOUT_MS = 60_000;
/** How long the server is silent at most; then it sends a ping. */
const PING_EVERY_MS = 25_000;

/** How many live connections one device may hold. */
const MAX_CONNECTIONS_PER_DEVICE = 8;

/* Close codes of our own, 4000 to 4999. */
const BAD_TOKEN = 4001;
const BAD_FRAME = 4002;
const BAD_SINCE = 4003;
const TOO_SLOW = 4008;
const TOO_MANY = 4009;
const FAILED = 4011;

const StartFrame = Type.Object({
  type: Type.Literal('start'),
  access_token: Type.String(),
  since: Type.Optional(Type.String()),
  filter: Type.Optional(SyncFilterSchema),
});
const AckFrame = Type.Object({ type: Type.Literal('ack'), since: Type.String() });
const startFrame = Compile(StartFrame);
const ackFrame = Compile(AckFrame);

type Deps = { sync: Sync; authenticate: Authenticate; logger: Logger };

/**
 * Our extension `chat.blinkchat.live`: a WebSocket that pushes what a sync would answer.
 *
 * Its frames and close codes are described in federation-spec/README.md. Before it closes for a reason it sends `{"type":"error","errcode","error"}`.
 */
export function liveRoute({ sync, authenticate, logger }: Deps): SocketRoute {
  const held = new Map<string, number>();

  /** Counts a connection of a device; call what it returns when it ends. Throws M_LIMIT_EXCEEDED when there are too many. */
  function hold({ userId, deviceId }: Requester): () => void {
    const key = `${userId} ${deviceId}`;
    const count = held.get(key) ?? 0;
    if (count >= MAX_CONNECTIONS_PER_DEVICE) throw limitExceeded(ACK_TIMEOUT_MS);
    held.set(key, count + 1);
    return () => {
      const left = (held.get(key) ?? 1) - 1;
      if (left > 0) held.set(key, left);
      else held.delete(key);
    };
  }

  return { path: LIVE_PATH, maxPayloadBytes: MAX_FRAME_BYTES, open };

  function open(socket: LiveSocket): SocketHandler {
    const gone = new AbortController();
    let acknowledge: ((since: string) => void) | undefined;
    let hasStarted = false;
    const startTimer = setTimeout(() => socket.close(TOO_SLOW, 'no start frame'), START_TIMEOUT_MS);

    async function start(text: string): Promise<void> {
      const frame = parse(text);
      if (!startFrame.Check(frame)) return socket.close(BAD_FRAME, 'the first frame must be a start frame');
      clearTimeout(startTimer);
      try {
        const { access_token: accessToken } = frame;
        const device = await check(accessToken);
        const letGo = hold(device);
        try {
          if (socket.send('{"type":"started"}')) await push(device, accessToken, frame);
        } finally {
          letGo();
        }
      } catch (error) {
        fail(error);
      }
    }

    /** @throws M_UNKNOWN_TOKEN once the token is good no more */
    const check = async (accessToken: string): Promise<Requester> =>
      await authenticate({ accessToken, ip: socket.ip, userAgent: '', assertedUserId: undefined, assertedDeviceId: undefined });

    /** One update after the other; the token is checked before each is made and, since that may have to wait, before it is told. */
    async function push(device: Requester, accessToken: string, { since: from, filter }: Static<typeof StartFrame>): Promise<void> {
      let since = from;
      while (!gone.signal.aborted) {
        await check(accessToken);
        const answer = await sync({
          device,
          since,
          filter: filter as SyncFilter | undefined,
          timeoutMs: PING_EVERY_MS,
          isFullState: false,
          wantsStateAfter: true,
          signal: gone.signal,
        });
        if (gone.signal.aborted) return;
        await check(accessToken);
        if (since !== undefined && isQuiet(answer)) {
          if (!socket.send('{"type":"ping"}')) return;
          since = answer.next_batch;
          continue;
        }
        if (!socket.send(JSON.stringify({ type: 'sync', sync: answer }))) return socket.close(TOO_SLOW, 'too slow');
        since = await nextAck();
      }
    }

    function nextAck(): Promise<string> {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new MatrixError(408, 'M_UNKNOWN', 'the update was not acknowledged')), ACK_TIMEOUT_MS);
        acknowledge = (since) => {
          clearTimeout(timer);
          resolve(since);
        };
      });
    }

    function fail(error: unknown): void {
      if (gone.signal.aborted) return;
      if (!(error instanceof MatrixError)) logger.error({ err: error }, 'a live connection failed');
      const told = error instanceof MatrixError ? error : new MatrixError(500, 'M_UNKNOWN', 'Internal server error');
      socket.send(JSON.stringify({ type: 'error', ...errorBody(told) }));
      socket.close(closeCodeOf(error), told.errcode);
    }

    return {
      message: (text) => {
        if (!hasStarted) {
          hasStarted = true;
          void start(text);
          return;
        }
        const frame = parse(text);
        if (ackFrame.Check(frame)) acknowledge?.(frame.since);
        else socket.close(BAD_FRAME, 'expected an ack frame');
      },
      closed: () => {
        clearTimeout(startTimer);
        gone.abort();
        acknowledge?.('');
      },
    };
  }
}

function closeCodeOf(error: unknown): number {
  if (!(error instanceof MatrixError)) return FAILED;
  if (error.status === 401) return BAD_TOKEN;
  if (error.status === 429) return TOO_MANY;
  return error.status === 408 ? TOO_SLOW : BAD_SINCE;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

type Answer = Awaited<ReturnType<Sync>>;

/** Nothing that a client would have to store. */
function isQuiet({ rooms, presence, account_data, to_device, device_lists }: Answer): boolean {
  const sections = [rooms?.join, rooms?.invite, rooms?.knock, rooms?.leave].map((section) => Object.keys(section ?? {}).length);
  const events = [presence, account_data, to_device].map((section) => section?.events?.length ?? 0);
  const lists = [device_lists?.changed, device_lists?.left].map((list) => list?.length ?? 0);
  return [...sections, ...events, ...lists].every((count) => count === 0);
}
