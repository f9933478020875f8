import { fileURLToPath } from 'node:url';
import type { Config } from './config/config.ts';
import { healthPage } from './edge/health.ts';
import { createApp } from './edge/http/app.ts';
import { createClientIp } from './edge/http/client-ip.ts';
import { createConnectionLimits } from './edge/http/connection-limits.ts';
import type { SocketRoute } from './edge/http/live-socket.ts';
import { serveMetrics } from './edge/http/metrics-listener.ts';
import { createRateLimiter } from './edge/http/rate-limit.ts';
import { listen } from './edge/http/uws-listener.ts';
import { loadAssets } from './edge/web-app/load-assets.ts';
import { webAppPages } from './edge/web-app/web-app.ts';
import { wellKnownPages } from './edge/well-known.ts';
import type { Clock } from './platform/clock.ts';
import type { Closers } from './platform/closers.ts';
import { countPeers, findFileLimit } from './platform/count-peers.ts';

/** The built web client. */
const CLIENT_DIST = fileURLToPath(new URL('../../client/dist', import.meta.url));

/** How long requests in flight may take to finish once the server was told to stop. */
const DRAIN_MS = 8_000;

type AppDeps = Parameters<typeof createApp>[0];
type Deps = Omit<AppDeps, 'pages' | 'limitRate'> & {
  config: Config;
  clock: Clock;
  sockets: readonly SocketRoute[];
  rtcTransports: Parameters<typeof wellKnownPages>[0]['rtcTransports'];
  isStopping: () => boolean;
  closers: Closers;
};

/** What listens: the API, the pages and the web client on one port, the same with TLS on another, the metrics on a third. */
export async function composeEdge({ config, clock, sockets, rtcTransports, isStopping, closers, ...deps }: Deps) {
  const federates = !(config.federation.length === 1 && config.federation[0] === 'off');
  const pages = [
    healthPage(isStopping),
    wellKnownPages({
      publicUrl: config.publicUrl,
      adminContact: config.adminContact,
      federates,
      policyServerKey: config.policyServerKey,
      rtcTransports,
    }),
    webAppPages({ loadAssets: () => loadAssets(CLIENT_DIST) }),
  ];
  const app = createApp({ ...deps, pages, limitRate: createRateLimiter({ clock, enabled: config.rateLimits }) });
  if (config.metricsPort !== undefined) closers.push(await serveMetrics(deps.metrics, config.metricsPort));
  const ports: number[] = [];
  const connections = createConnectionLimits({
    ...deps,
    maxPerAddress: config.maxConnectionsPerAddress,
    fileLimit: await findFileLimit(),
    trustedProxies: config.trustedProxies,
    countPeers: () => countPeers(ports),
  });
  const listener = await listen({
    host: config.host,
    port: config.port,
    tls: tlsOf(config),
    handle: app.callback(),
    sockets: [...sockets],
    clientIp: createClientIp(config.trustedProxies),
    connections,
  });
  ports.push(listener.port, ...(listener.tlsPort === undefined ? [] : [listener.tlsPort]));
  closers.push(() => listener.stop(DRAIN_MS));
  return listener;
}

function tlsOf({ tlsPort, tlsCert, tlsKey }: Config) {
  if (tlsPort === undefined || tlsCert === undefined || tlsKey === undefined) return undefined;
  return { port: tlsPort, certFile: tlsCert, keyFile: tlsKey };
}
