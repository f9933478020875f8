import '@fontsource-variable/inter/wght.css';
import './ui/styles/tokens.css';
import './ui/styles/base.css';
import { createPinia } from 'pinia';
import { createApp } from 'vue';
import App from './App.vue';
import { i18n, preferredLanguage, useLanguage } from './i18n/i18n.ts';
import { createAppRouter } from './router.ts';
import { startTheme } from './ui/use-theme.ts';

startTheme();
await useLanguage(preferredLanguage(), { remember: false });

createApp(App).use(createPinia()).use(i18n).use(createAppRouter()).mount('#app');
