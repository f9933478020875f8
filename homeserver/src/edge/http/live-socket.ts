/** One open WebSocket. */
export type LiveSocket = {
  ip: string;
  /** Sends a text frame. `false` when the client is too slow and the frame was dropped: close the socket then. */
  send(text: string): boolean;
  bufferedBytes(): number;
  close(code: number, reason: string): void;
};

/** What happens on an open WebSocket. */
export type SocketHandler = {
  message(text: string): void;
  /** The socket is gone, whoever closed it; nothing can be sent any more. */
  closed(): void;
};

/** A path that speaks WebSocket. */
export type SocketRoute = {
  path: string;
  maxPayloadBytes: number;
  open(socket: LiveSocket): SocketHandler;
};
