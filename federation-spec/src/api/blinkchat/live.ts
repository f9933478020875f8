/**
 * Our extension: a WebSocket that pushes what a sync would answer, so that a client need not ask again and again. A client that
 * cannot open it, or whose homeserver has none, syncs by HTTP. The package's README describes its messages.
 */
export const LIVE_PATH = '/_matrix/client/unstable/chat.blinkchat/live';
