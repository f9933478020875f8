import { EventEmitter } from 'node:events';
import { STATUS_CODES } from 'node:http';
import type { Readable } from 'node:stream';

/** The part of uWebSockets.js' response that is written to. */
export type WireResponse = {
  cork(work: () => void): unknown;
  writeStatus(status: string): unknown;
  writeHeader(name: string, value: string): unknown;
  write(chunk: Uint8Array): boolean;
  end(body?: string | Uint8Array, closeConnection?: boolean): unknown;
  endWithoutBody(contentLength?: number, closeConnection?: boolean): unknown;
  tryEnd(chunk: Uint8Array, totalBytes: number): [sent: boolean, done: boolean];
  getWriteOffset(): number;
  onWritable(handler: (offset: number) => boolean): unknown;
  close(): unknown;
};

type HeaderValue = string | number | readonly string[];

/**
 * Looks enough like node's `ServerResponse` for Koa, and writes to uWebSockets.js. After the client hung up it swallows what is
 * written: the wire response must not be touched again.
 */
export class BridgedResponse extends EventEmitter {
  statusCode = 200;
  statusMessage = '';
  headersSent = false;
  finished = false;
  writableEnded = false;
  aborted = false;
  bytesSent = 0;
  /** The connection ends with this response: the body was not read, or the server is stopping. */
  closeConnection = false;
  /** Called before the first byte is sent: last occasion to touch the wire for the request. */
  onAnswering: (() => void) | undefined;
  readonly socket: EventEmitter & { writable: boolean };
  readonly #wire: WireResponse;
  readonly #isHead: boolean;
  readonly #headers = new Map<string, { name: string; value: HeaderValue }>();

  constructor(wire: WireResponse, socket: EventEmitter & { writable: boolean }, isHead: boolean) {
    super();
    this.#wire = wire;
    this.socket = socket;
    this.#isHead = isHead;
  }

  setHeader(name: string, value: HeaderValue): this {
    this.#headers.set(name.toLowerCase(), { name, value });
    return this;
  }

  getHeader(name: string): HeaderValue | undefined {
    return this.#headers.get(name.toLowerCase())?.value;
  }

  getHeaders(): Record<string, HeaderValue> {
    return Object.fromEntries([...this.#headers].map(([key, { value }]) => [key, value]));
  }

  getHeaderNames(): string[] {
    return [...this.#headers.keys()];
  }

  hasHeader(name: string): boolean {
    return this.#headers.has(name.toLowerCase());
  }

  removeHeader(name: string): void {
    this.#headers.delete(name.toLowerCase());
  }

  end(body?: string | Uint8Array): this {
    if (this.writableEnded) return this;
    this.writableEnded = true;
    if (!this.aborted) {
      this.#wire.cork(() => {
        this.#writeHead();
        if (this.#isHead) this.#wire.endWithoutBody(this.#declaredLength() ?? byteLength(body), this.closeConnection);
        else if (hasNoBody(this.statusCode)) this.#wire.endWithoutBody();
        else if (body === undefined) this.#wire.endWithoutBody(0, this.closeConnection);
        else this.#wire.end(body, this.closeConnection);
      });
      this.bytesSent += byteLength(body);
    }
    this.#finish();
    return this;
  }

  /** Sends a stream as the body, no faster than the client takes it. With a known length the client can show progress. */
  async sendStream(source: Readable, totalBytes: number | undefined): Promise<void> {
    if (this.#isHead) {
      source.destroy();
      if (totalBytes !== undefined) this.setHeader('content-length', totalBytes);
      this.end();
      return;
    }
    this.writableEnded = true;
    this.once('aborted', () => source.destroy(new Error('the client hung up')));
    if (!this.aborted) this.#wire.cork(() => this.#writeHead());
    try {
      for await (const chunk of source) {
        if (this.aborted) return;
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Uint8Array);
        this.bytesSent += bytes.byteLength;
        await (totalBytes === undefined ? this.#writeChunk(bytes) : this.#writePart(bytes, totalBytes));
      }
      if (!this.aborted && totalBytes === undefined) this.#wire.cork(() => this.#wire.end(undefined, this.closeConnection));
      if (!this.aborted && totalBytes === 0) this.#wire.cork(() => this.#wire.endWithoutBody(0, this.closeConnection));
      if (!this.aborted && totalBytes !== undefined && this.bytesSent < totalBytes) this.#wire.close(); // a short body must not look whole
    } catch (error) {
      if (!this.aborted) this.#wire.close();
      throw error;
    } finally {
      this.#finish();
    }
  }

  /** Told by the listener: the client hung up. */
  abort(): void {
    this.aborted = true;
    this.socket.writable = false;
    this.emit('aborted');
    if (!this.finished) this.#finish();
  }

  async #writeChunk(bytes: Uint8Array): Promise<void> {
    let drained = true;
    this.#wire.cork(() => {
      drained = this.#wire.write(bytes);
    });
    if (!drained) await this.#writable(() => true);
  }

  async #writePart(bytes: Uint8Array, totalBytes: number): Promise<void> {
    const before = this.#wire.getWriteOffset();
    let sent = false;
    this.#wire.cork(() => {
      [sent] = this.#wire.tryEnd(bytes, totalBytes);
    });
    if (sent) return;
    await this.#writable((offset) => this.#wire.tryEnd(bytes.subarray(offset - before), totalBytes)[0]);
  }

  /**
   * Waits until the client took what was sent. uWebSockets.js keeps the handler it is running, whatever is set meanwhile: the wait
   * ends outside of it, so that the next one can be set.
   */
  #writable(proceed: (offset: number) => boolean): Promise<void> {
    return new Promise((resolve) => {
      let waiting = true;
      this.once('aborted', resolve);
      this.#wire.onWritable((offset) => {
        if (!waiting) return true;
        waiting = !proceed(offset);
        if (!waiting) {
          this.off('aborted', resolve);
          setImmediate(resolve);
        }
        return !waiting;
      });
    });
  }

  #writeHead(): void {
    this.headersSent = true;
    this.onAnswering?.();
    this.#wire.writeStatus(`${this.statusCode} ${STATUS_CODES[this.statusCode] ?? 'Unknown'}`);
    for (const [key, { name, value }] of this.#headers) {
      if (key === 'content-length' || key === 'transfer-encoding') continue; // uWebSockets.js writes its own
      for (const single of Array.isArray(value) ? value : [value]) this.#wire.writeHeader(name, headerText(single));
    }
  }

  #declaredLength(): number | undefined {
    const length = this.getHeader('content-length');
    return length === undefined ? undefined : Number(length);
  }

  #finish(): void {
    this.finished = true;
    this.emit('finish');
  }
}

/** No header value can begin a new header line: what would split it is dropped. */
function headerText(value: string | number): string {
  return String(value).replace(/[\r\n\0]/g, '');
}

function byteLength(body: string | Uint8Array | undefined): number {
  return body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
}

function hasNoBody(status: number): boolean {
  return status === 204 || status === 304;
}
