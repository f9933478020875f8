import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Metrics } from '../../platform/metrics.ts';

/** Serves the metrics on a port of their own, on the loopback address: they are nobody else's business. Returns the way to stop it. */
export async function serveMetrics(metrics: Metrics, port: number): Promise<() => Promise<void>> {
  metrics.collectProcess();
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { 'Content-Type': metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
}
