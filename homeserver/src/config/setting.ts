/** What became of a setting's text. */
export type Parsed<Value> = { ok: true; value: Value } | { ok: false; reason: string };

/** Reads the text of a setting. `reason` completes "BLINKCHAT_X must be …". */
export type Parser<Value> = (given: string) => Parsed<Value>;

export type Setting<Value, Default extends string | undefined> = {
  variable: string;
  parse: Parser<Value>;
  fallback: Default;
  about: string;
  /** A default that depends on the port; `undefined` leaves the plain one. */
  derive: ((others: { port: number }) => string | undefined) | undefined;
};

/** The value the code sees: `undefined` is possible only when there is no default. */
export type SettingValue<S> =
  S extends Setting<infer Value, infer Default> ? (undefined extends Default ? Value | undefined : Value) : never;

/** Declares a setting: its environment variable, its parser, its default as it would be written, and a line for `--help`. */
export function setting<Value, const Default extends string | undefined>(
  variable: string,
  parse: Parser<Value>,
  fallback: Default,
  about: string,
  derive?: (others: { port: number }) => string | undefined,
): Setting<Value, Default> {
  return { variable, parse, fallback, about, derive };
}
