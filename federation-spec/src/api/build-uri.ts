/** What may stand in a query; an array gives its name once for each value, `undefined` leaves it out. */
export type QueryInput = Readonly<Record<string, unknown>>;

/**
 * The address of a call below the server's base URL: an endpoint's path with its parameters percent-encoded, and the query.
 *
 * @throws when a parameter of the path is missing, or is text that no URL can hold (a lone surrogate)
 */
export function buildUri(path: string, params: Readonly<Record<string, unknown>>, query: QueryInput = {}): string {
  const filled = fillPath(path, params);
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) if (each !== undefined) search.append(name, String(each));
  }
  return search.size === 0 ? filled : `${filled}?${search}`;
}

/** Puts the values into an endpoint's path, percent-encoded. Throws when one is missing. */
export function fillPath(path: string, params: Readonly<Record<string, unknown>>): string {
  return path.replace(/:([A-Za-z]+)/g, (_, name: string) => {
    const value = params[name];
    if (value === undefined || value === null) throw new Error(`The path ${path} needs a value for ${name}.`);
    return encodeURIComponent(String(value));
  });
}
