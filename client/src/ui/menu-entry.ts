import type { Component } from 'vue';

/** One thing a menu offers. `id` is stable (tests and shortcuts name it), `label` is for people. */
export type MenuEntry = {
  id: string;
  label: string;
  icon?: Component;
  danger?: boolean;
  disabled?: boolean;
  startsGroup?: boolean;
  select: () => void;
};
