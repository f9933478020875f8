import { invalidParam, matrixError } from '../../platform/matrix-error.ts';

const MAX_DEVICE_ID_CHARACTERS = 512;
export const MAX_DEVICE_NAME_CHARACTERS = 100;

/** @throws M_TOO_LARGE for a name that is too long to be shown */
export function checkDeviceName(displayName: string): void {
  if (displayName.length > MAX_DEVICE_NAME_CHARACTERS)
    throw matrixError(400, 'M_TOO_LARGE', `A device's name has at most ${MAX_DEVICE_NAME_CHARACTERS} characters`);
}

/** @throws M_INVALID_PARAM for an id that no device can have */
export function checkDeviceId(deviceId: string): void {
  if (deviceId === '' || deviceId.length > MAX_DEVICE_ID_CHARACTERS)
    throw invalidParam(`A device id has at least one character and at most ${MAX_DEVICE_ID_CHARACTERS}`);
}
