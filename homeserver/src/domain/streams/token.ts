/**
 * A place in what a client reads. `stream` is the log's order, which sync follows: everything up to `position`, and of what lives in memory
 * only (typing, presence) everything up to `volatile` of this boot. `topological` is a room's own order, which pagination follows: everything
 * up to this event. Pages that began at a `stream` token keep to its side of the log: what came later, wherever it belongs in the room's
 * order, is what sync tells, and what came before it is not. Both are accepted wherever a token is. Opaque to clients. https://spec.matrix.org/latest/client-server-api/#pagination
 */
export type Token = StreamToken | TopologicalToken;
export type StreamToken = { kind: 'stream'; position: number; boot: string; volatile: number };
export type TopologicalToken = { kind: 'topological'; topological: number; eventNid: number; bounds?: PositionBounds | undefined };

/** Positions in (after, upTo]; events without a position are before all others. */
export type PositionBounds = { after?: number; upTo?: number };

/** The numbers at the end are a sliding sync's, which tells its connections and answers apart; the place is the same without them. */
const STREAM = /^s(\d{1,16})(?:_([A-Za-z0-9]{1,16})_(\d{1,16})(?:_\d{1,16}){0,2})?$/;
const TOPOLOGICAL = /^t(\d{1,16})_(\d{1,16})(?:_([au])(\d{1,16}))?$/;

/** The text of a token. */
export function formatToken(token: Token): string {
  if (token.kind === 'topological') return `t${token.topological}_${token.eventNid}${formatBounds(token.bounds)}`;
  return `s${token.position}_${token.boot}_${token.volatile}`;
}

/** Undefined when the text is no token of ours. */
export function parseToken(text: string): Token | undefined {
  const stream = STREAM.exec(text);
  if (stream !== null) return { kind: 'stream', position: Number(stream[1]), boot: stream[2] ?? '', volatile: Number(stream[3] ?? 0) };
  const topological = TOPOLOGICAL.exec(text);
  if (topological === null) return undefined;
  const [, order, eventNid, side, position] = topological;
  const bounds = side === undefined ? {} : { bounds: { [side === 'a' ? 'after' : 'upTo']: Number(position) } };
  return { kind: 'topological', topological: Number(order), eventNid: Number(eventNid), ...bounds };
}

function formatBounds({ after, upTo }: PositionBounds = {}): string {
  if (upTo !== undefined) return `_u${upTo}`;
  return after === undefined ? '' : `_a${after}`;
}
