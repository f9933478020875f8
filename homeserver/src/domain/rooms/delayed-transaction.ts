/** An event that was sent later belongs to no device's transaction, but to one of its own: by this device, with its delay id. */
export const DELAYED_DEVICE = '~delayed';
export const DELAYED_PATH = 'delayed_event/';
