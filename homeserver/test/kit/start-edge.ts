import type Router from '@koa/router';
import { createApp } from '../../src/edge/http/app.ts';
import { createClientIp } from '../../src/edge/http/client-ip.ts';
import { createConnectionLimits } from '../../src/edge/http/connection-limits.ts';
import type { SocketRoute } from '../../src/edge/http/live-socket.ts';
import { createRateLimiter } from '../../src/edge/http/rate-limit.ts';
import type { Authenticate, VerifyOrigin } from '../../src/edge/http/requester.ts';
import type { Route } from '../../src/edge/http/route.ts';
import { listen } from '../../src/edge/http/uws-listener.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { countPeers } from '../../src/platform/count-peers.ts';
import { silentLogger } from '../../src/platform/logger.ts';
import { unauthorized, unknownToken } from '../../src/platform/matrix-error.ts';
import { createMetrics, type Metrics } from '../../src/platform/metrics.ts';

export type EdgeOptions = {
  routes?: readonly Route[];
  pages?: readonly Router[];
  sockets?: readonly SocketRoute[];
  clock?: Clock;
  rateLimits?: boolean;
  authenticate?: Authenticate;
  verifyOrigin?: VerifyOrigin;
  trustedProxies?: readonly string[];
  maxConnectionsPerAddress?: number;
  /** How many files the process may have open. */
  fileLimit?: number;
};

export type Edge = AsyncDisposable & { url: string; port: number; metrics: Metrics; stop(): Promise<void> };

/** The HTTP edge alone, with routes of the test's own: no database, no domain. The token `romeo` is good. */
export async function startEdge(options: EdgeOptions = {}): Promise<Edge> {
  const metrics = createMetrics();
  const app = createApp({
    routes: options.routes ?? [],
    pages: options.pages ?? [],
    logger: silentLogger,
    metrics,
    limitRate: createRateLimiter({ clock: options.clock ?? systemClock, enabled: options.rateLimits ?? false }),
    authenticate: options.authenticate ?? knowRomeo,
    verifyOrigin: options.verifyOrigin ?? (() => Promise.reject(unauthorized('no server is known'))),
  });
  const ports: number[] = [];
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    tls: undefined,
    handle: app.callback(),
    sockets: options.sockets ?? [],
    clientIp: createClientIp(options.trustedProxies ?? []),
    connections: createConnectionLimits({
      maxPerAddress: options.maxConnectionsPerAddress ?? 10_000,
      fileLimit: options.fileLimit,
      trustedProxies: options.trustedProxies ?? [],
      countPeers: () => countPeers(ports),
      logger: silentLogger,
      metrics,
    }),
  });
  ports.push(listener.port);
  const stop = () => listener.stop(5_000);
  return { url: `http://127.0.0.1:${listener.port}`, port: listener.port, metrics, stop, [Symbol.asyncDispose]: stop };
}

const knowRomeo: Authenticate = ({ accessToken }) => {
  if (accessToken !== 'romeo') throw unknownToken();
  return { userId: '@romeo:hs.test', userNid: 1, deviceId: 'BALCONY', isGuest: false, isAdmin: false };
};
