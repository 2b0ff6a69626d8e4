/** The page's side of the service worker. */
import { signal } from '@preact/signals';

/** After this long, a first visit goes on without: the app then is kept on the next one. */
const TAKEOVER_MS = 3000;
const RELOADED = 'inkling.isolating';

/** A newer version of the app is there; call it to change over. */
export const update = signal<(() => void) | undefined>();

/**
 * Resolves when everything that is fetched from now on is kept for visits without a network. False:
 * the page is about to be loaded again, isolated by the service worker, so that the engine has
 * threads; start nothing.
 */
export async function keepOffline(): Promise<boolean> {
  if (!('serviceWorker' in navigator) || !import.meta.env.PROD) return true;
  const { serviceWorker } = navigator;
  const wasControlled = serviceWorker.controller !== null;
  const controlled = new Promise<void>((resolve) => {
    if (wasControlled) resolve();
    serviceWorker.addEventListener('controllerchange', () => resolve(), { once: true });
  });
  try {
    const registration = await serviceWorker.register('sw.js');
    if (registration.waiting && wasControlled) {
      // it came during the visit before; nothing has begun in this one
      changeOver(registration.waiting);
      return false;
    }
    watchForUpdates(registration);
  } catch {
    return true; // not a secure context, or the visitor forbids storage
  }
  const late = new Promise<void>((resolve) => setTimeout(resolve, TAKEOVER_MS));
  await Promise.race([controlled, late]);
  return !isolate();
}

/** Loads the page once more where that gives it threads. */
function isolate(): boolean {
  const { serviceWorker, hardwareConcurrency } = navigator;
  if (crossOriginIsolated || !serviceWorker.controller || hardwareConcurrency === 1) return false;
  if (window.top !== window) return false; // the outer page decides
  try {
    if (sessionStorage.getItem(RELOADED)) return false; // it was tried, to no avail
    sessionStorage.setItem(RELOADED, 'yes');
  } catch {
    return false;
  }
  location.reload();
  return true;
}

/** Loads the page once more, in the version that waits. */
function changeOver(waiting: ServiceWorker): void {
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), {
    once: true,
  });
  waiting.postMessage('replace the old version');
}

function watchForUpdates(registration: ServiceWorkerRegistration): void {
  registration.addEventListener('updatefound', () => {
    const coming = registration.installing;
    coming?.addEventListener('statechange', () => {
      if (coming.state === 'installed' && navigator.serviceWorker.controller) {
        update.value = () => changeOver(coming);
      }
    });
  });
}
