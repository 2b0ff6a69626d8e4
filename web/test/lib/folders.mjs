import { rm } from 'node:fs/promises';

/**
 * Removes a folder that other processes may still be writing to: a browser's helpers outlive it for a moment. rmSync would
 * not do, since it tries only the folder itself again and not what has been put in meanwhile.
 */
export const removeFolder = (folder) => rm(folder, { recursive: true, force: true, maxRetries: 20 });
