import { LIVE_PATH } from 'federation-spec/api/blinkchat/live.ts';
import { isJsonObject, objectIn, stringIn } from '../json.ts';

/** The server sends at least a ping's worth within this time; silence means that the connection is dead. */
const SILENCE_MS = 90_000;

export type LiveSocketOptions = {
  WebSocket: typeof globalThis.WebSocket;
  baseUrl: string;
  accessToken: string;
  since: string;
  filter: string;
  signal: AbortSignal;
  onOpen: () => void;
  /** Takes a sync answer in; the token up to which it is processed. */
  onUpdate: (body: unknown) => Promise<string>;
};

/**
 * Follows our live connection: the first frame says who we are and where we stand; then each frame of the server is a sync answer,
 * acknowledged when it is stored. Resolves when the connection ends for whatever reason; throws when an update could not be processed.
 * See the extensions in federation-spec/README.md.
 */
export function openLiveSocket(options: LiveSocketOptions): Promise<void> {
  const { WebSocket, baseUrl, accessToken, since, filter, signal, onOpen, onUpdate } = options;
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${baseUrl.replace(/^http/, 'ws')}${LIVE_PATH}`);
    let queue: Promise<void> = Promise.resolve();
    let hasEnded = false;

    /** Some runtimes tell no `close` of a connection that was never made: nothing here waits for one. */
    const end = (): void => {
      if (hasEnded) return;
      hasEnded = true;
      clearTimeout(silence);
      signal.removeEventListener('abort', end);
      socket.close();
      queue.then(resolve, reject);
    };
    let silence = setTimeout(end, SILENCE_MS);
    signal.addEventListener('abort', end, { once: true });

    socket.onopen = () => {
      if (!hasEnded) socket.send(JSON.stringify({ type: 'start', access_token: accessToken, since, filter: JSON.parse(filter) }));
    };
    socket.onmessage = ({ data }: MessageEvent) => {
      if (hasEnded) return;
      clearTimeout(silence);
      silence = setTimeout(end, SILENCE_MS);
      queue = queue.then(async () => {
        const frame: unknown = JSON.parse(String(data));
        const type = stringIn(frame, 'type');
        if (type === 'started') onOpen();
        if (type !== 'sync' || !isJsonObject(frame)) return;
        const token = await onUpdate(objectIn(frame, 'sync'));
        if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: 'ack', since: token }));
      });
      queue.catch(end);
    };
    socket.onerror = end;
    socket.onclose = end;
  });
}
