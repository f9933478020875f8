import { Readable } from 'node:stream';
import { limitExceeded, tooLarge } from '../../platform/matrix-error.ts';
import type { BodyBudget } from './body-budget.ts';

/** How much of a body is held before anyone asks for it. */
const HOLD_BYTES = 64 * 1024;

/** When a body may be sent again for which there was no room. */
const BUSY_RETRY_MS = 2_000;

/** The client hung up before its request was answered: nobody's fault, and nobody to be told. */
export class ClientGone extends Error {
  constructor() {
    super('the client hung up');
  }
}

/** Lets a body's sender wait, and go on. */
export type Throttle = { pause(): void; resume(): void };

/** A request's body while it arrives. It is read once: whole, or as a stream. */
export class RequestBody {
  #held: Buffer[] = [];
  #heldBytes = 0;
  #complete = false;
  #failure: Error | undefined;
  #paused = false;
  #onChange: (() => void) | undefined;
  readonly #throttle: Throttle;

  constructor(throttle: Throttle) {
    this.#throttle = throttle;
  }

  /** Takes what arrived. The bytes are copied: the listener's buffer is gone after its callback. */
  push(chunk: ArrayBuffer, last: boolean): void {
    if (chunk.byteLength > 0) {
      this.#held.push(Buffer.from(chunk.slice(0)));
      this.#heldBytes += chunk.byteLength;
    }
    this.#complete ||= last;
    if (last) this.#resume(); // what comes next on this connection is another request
    if (!this.#complete && this.#onChange === undefined && this.#heldBytes > HOLD_BYTES) this.#pause();
    this.#onChange?.();
  }

  /** The client hung up. */
  fail(error: Error): void {
    if (this.#complete) return;
    this.#failure = error;
    this.#onChange?.();
  }

  /** The whole body. Throws `M_TOO_LARGE` as soon as it is longer than `maxBytes`, `M_LIMIT_EXCEEDED` when too much is held of others. */
  async readAll(maxBytes: number, budget?: BodyBudget): Promise<Buffer> {
    let noted = 0;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#onChange = () => {
          if (this.#failure !== undefined) return reject(this.#failure);
          if (this.#heldBytes > maxBytes) {
            this.#discard();
            return reject(tooLarge(`The body may be at most ${maxBytes} bytes`));
          }
          if (budget?.grow(noted, this.#heldBytes) === false) {
            this.#discard();
            return reject(limitExceeded(BUSY_RETRY_MS));
          }
          noted = this.#heldBytes;
          if (this.#complete) resolve();
        };
        this.#resume();
        this.#onChange();
      });
    } finally {
      budget?.release(noted);
    }
    return this.#held.length === 1 && this.#held[0] !== undefined ? this.#held[0] : Buffer.concat(this.#held);
  }

  /** The body as it arrives; a slow reader makes the sender wait. */
  stream(): Readable {
    const readable = new Readable({
      read: () => {
        this.#resume();
        this.#onChange?.();
      },
    });
    this.#onChange = () => {
      const ready = this.#held;
      this.#held = [];
      this.#heldBytes = 0;
      let wanted = true;
      for (const chunk of ready) wanted = readable.push(chunk);
      if (this.#failure !== undefined) readable.destroy(this.#failure);
      else if (this.#complete) {
        this.#onChange = undefined;
        readable.push(null);
      } else if (!wanted) this.#pause();
    };
    return readable;
  }

  /** Nobody reads on: what still comes is dropped, so that the connection can carry the next request. */
  abandon(): void {
    if (!this.#complete) this.#discard();
    this.#resume();
  }

  #discard(): void {
    this.#held = [];
    this.#heldBytes = 0;
    this.#onChange = () => {
      this.#held = [];
    };
  }

  #pause(): void {
    if (this.#paused || this.#complete) return;
    this.#paused = true;
    this.#throttle.pause();
  }

  #resume(): void {
    if (!this.#paused || this.#failure !== undefined) return;
    this.#paused = false;
    this.#throttle.resume();
  }
}
