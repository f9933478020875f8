/**
 * How far an own message got: local echo, accepted by our homeserver, handed to a device of somebody else (our extension), read by somebody else;
 * or given up (the user may retry or discard it).
 */
export type Delivery = 'sending' | 'sent' | 'delivered' | 'read' | 'failed';
