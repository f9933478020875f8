import { Type } from 'typebox';

/*
 * Identifiers by their sigil, as the specification's own schemas have them: enough to tell one kind from the other at the edge.
 * The grammars are in `identifiers/`, and whoever takes an identifier apart asks there.
 * https://spec.matrix.org/latest/appendices/#identifier-grammar
 */

export const UserIdSchema = Type.String({ pattern: '^@' });
export const RoomIdSchema = Type.String({ pattern: '^!' });
export const RoomAliasSchema = Type.String({ pattern: '^#' });
export const RoomIdOrAliasSchema = Type.String({ pattern: '^[!#]' });
export const EventIdSchema = Type.String({ pattern: '^\\$' });
export const ServerNameSchema = Type.String({ minLength: 1, maxLength: 255 });
export const DeviceIdSchema = Type.String();

/** A `mxc://` URI; text all the same, because clients clear an avatar by sending an empty one. */
export const ContentUriSchema = Type.String();

/** Milliseconds since the Unix epoch. */
export const TimestampSchema = Type.Integer();
