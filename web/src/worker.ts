/** The module worker. Where there are no workers (Node), index.js imports it and calls serve() itself. */
import { serve } from './host.js';
import type { HostPort } from './protocol.js';

export { serve };

// Bun's workers lack WorkerGlobalScope, and pages have postMessage() too.
if (typeof postMessage === 'function' && typeof document === 'undefined') serve(globalThis as unknown as HostPort);
