import { invalidParam } from '../../platform/matrix-error.ts';

const MAX_DEVICE_ID_CHARACTERS = 512;
const MAX_DISPLAY_NAME_CHARACTERS = 256;

/** @throws M_INVALID_PARAM for a name that is too long to be shown */
export function checkDeviceName(displayName: string): void {
  if (displayName.length > MAX_DISPLAY_NAME_CHARACTERS)
    throw invalidParam(`A device's name has at most ${MAX_DISPLAY_NAME_CHARACTERS} characters`);
}

/** @throws M_INVALID_PARAM for an id that no device can have */
export function checkDeviceId(deviceId: string): void {
  if (deviceId === '' || deviceId.length > MAX_DEVICE_ID_CHARACTERS)
    throw invalidParam(`A device id has at least one character and at most ${MAX_DEVICE_ID_CHARACTERS}`);
}
