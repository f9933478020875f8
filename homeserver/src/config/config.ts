import type { SettingValue } from './setting.ts';
import type { SETTINGS } from './settings.ts';

/** What the homeserver runs with: every setting, parsed. */
export type Config = { readonly [Key in keyof typeof SETTINGS]: SettingValue<(typeof SETTINGS)[Key]> };
