import type { Context } from 'koa';
import { BridgedResponse } from './bridged-response.ts';
import { isRawResponse, type RawResponse } from './route.ts';

const JSON_TYPE = 'application/json; charset=utf-8';

/** Sends what a handler returned past Koa: as JSON with status 200, or as it says itself. */
export async function sendAnswer(ctx: Context, answer: unknown): Promise<void> {
  const response: unknown = ctx.res;
  if (!(response instanceof BridgedResponse)) throw new Error('Koa was not given the response by the listener');
  ctx.respond = false;
  if (!isRawResponse(answer)) {
    response.statusCode = 200;
    response.setHeader('Content-Type', JSON_TYPE);
    response.end(JSON.stringify(answer));
    return;
  }
  await sendRaw(response, answer);
}

async function sendRaw(response: BridgedResponse, { status, headers, content }: RawResponse): Promise<void> {
  response.statusCode = status;
  if (content.kind === 'json' || content.kind === 'text') response.setHeader('Content-Type', JSON_TYPE);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (content.kind === 'stream') await response.sendStream(content.stream, content.length);
  else if (content.kind === 'none') response.end();
  else response.end(content.kind === 'json' ? JSON.stringify(content.value) : content.kind === 'text' ? content.text : content.bytes);
}
