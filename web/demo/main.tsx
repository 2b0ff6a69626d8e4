/** Starts the app: shows what was kept, and then loads the model. */
import { modelCache } from 'inkling-wasm';
import { render } from 'preact';
import { App } from './app.js';
import { keepOffline } from './offline.js';
import { Settings } from './settings.js';
import './style/base.css';
import './style/page.css';
import './style/chat.css';
import './style/dialogs.css';
import { Page } from './ui/Page.js';

const app = await App.start(new Settings());
render(<Page app={app} />, document.body);

// An app that was installed is to stay; of other pages some browsers would ask the visitor.
if (matchMedia('(display-mode: standalone)').matches) void modelCache.persist();
window.addEventListener('appinstalled', () => void modelCache.persist());

await app.openFirst(keepOffline());
