import { createRouter, createWebHashHistory, type Router } from 'vue-router';
import { useSessionStore } from './stores/session.ts';
import EmptyPane from './views/EmptyPane.vue';
import HomeView from './views/HomeView.vue';
import RoomView from './views/RoomView.vue';
import SignInView from './views/SignInView.vue';

/** Addresses live behind the `#`, so that any static file server can serve the client from any folder. */
export function createAppRouter(): Router {
  const router = createRouter({
    history: createWebHashHistory(),
    routes: [
      { path: '/sign-in', name: 'sign-in', component: SignInView, meta: { isPublic: true } },
      { path: '/sign-up', name: 'sign-up', component: () => import('./views/SignUpView.vue'), meta: { isPublic: true } },
      {
        path: '/',
        component: HomeView,
        children: [
          { path: '', name: 'home', component: EmptyPane },
          { path: 'room/:roomId', name: 'room', component: RoomView, props: true },
          { path: 'settings/:section?', name: 'settings', component: () => import('./views/SettingsView.vue'), props: true },
        ],
      },
      { path: '/:rest(.*)*', redirect: { name: 'home' } },
    ],
  });

  router.beforeEach(async (to) => {
    const session = useSessionStore();
    const isSignedIn = await session.resume();
    if (to.meta['isPublic'] === true) return isSignedIn ? { name: 'home' } : true;
    return isSignedIn ? true : { name: 'sign-in' };
  });
  return router;
}
