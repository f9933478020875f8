import type { Context } from 'koa';
import { tooLarge } from '../../platform/matrix-error.ts';
import type { BodyBudgets } from './body-budget.ts';
import { networkOf } from './client-ip.ts';
import type { HttpRequest } from './http-request.ts';
import type { Route } from './route.ts';
import type { BridgedRequest } from './uws-listener.ts';

/** The listener's own request, which Koa was given in place of node's. */
export function bridgedRequest(ctx: Context): BridgedRequest {
  return ctx.req as unknown as BridgedRequest; // Koa was given it by the listener
}

/** A request as handlers see it; its body is not read yet. */
export function toHttpRequest(wire: BridgedRequest): HttpRequest {
  const declared = Number(wire.headers['content-length']);
  return {
    method: wire.method,
    url: wire.url,
    headers: wire.headers,
    headerValues: wire.headerValues,
    ip: wire.ip,
    bytes: undefined,
    contentLength: wire.headers['content-length'] !== undefined && Number.isSafeInteger(declared) ? declared : undefined,
    get stream() {
      if (wire.body === undefined) throw new Error(`a ${wire.method} request has no body`);
      return wire.body.stream();
    },
    get signal() {
      return wire.signal;
    },
  };
}

/** Reads the body; throws M_TOO_LARGE for one that is larger than the route takes, or than is usual. */
export async function readBytes(wire: BridgedRequest, { options }: Route, usual: number, budgets: BodyBudgets): Promise<Uint8Array> {
  const maxBytes = options.maxBodyBytes ?? usual;
  if (wire.body === undefined) return new Uint8Array();
  if (Number(wire.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(`The body may be at most ${maxBytes} bytes`);
  return await wire.body.readAll(maxBytes, budgets.of(networkOf(wire.ip)));
}
