/** A request as it came, read once. Header names are in lower case. */
export type HookRequest = {
  method: string;
  headers: Readonly<Record<string, string>>;
  /** The bytes that a signature covers. */
  body: Uint8Array;
  /** What the body says: of JSON its value, of a form its fields (`payload` parsed), else its text. */
  payload: unknown;
};

/** What the sender is told. */
export type HookAnswer = { status: number; contentType: string; body: string; headers?: Readonly<Record<string, string>> };
