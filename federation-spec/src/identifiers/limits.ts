/** The longest user id, room id, alias, event id, event type or state key, sigil and server name included, in bytes of UTF-8. */
export const MAX_ID_BYTES = 255;
