/** The module worker. Where there are no workers (Node), index.js imports it and calls serve() itself. */
import { type HostPort, serve } from './host.js';

declare const WorkerGlobalScope: (new () => unknown) | undefined;

export { serve };

if (typeof WorkerGlobalScope !== 'undefined' && globalThis instanceof WorkerGlobalScope) {
  serve(globalThis as unknown as HostPort);
}
