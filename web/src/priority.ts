import { invalidArgument } from './errors.js';
import type { Priority } from './types.js';

const PRIORITIES: readonly Priority[] = ['background', 'user-visible', 'user-blocking'];

/** The higher the more urgent. */
export function priorityNumber(priority: Priority = 'user-visible'): number {
  const number = PRIORITIES.indexOf(priority);
  if (number < 0) throw invalidArgument(`priority must be one of ${PRIORITIES.join(', ')}.`);
  return number;
}
