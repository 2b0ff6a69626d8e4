/** The page's languages. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { SettingValues } from '../settings.js';
import { en } from './en.js';
import { ko } from './ko.js';

export type { Advice } from './en.js';
export type Words = typeof en;

/**
 * What the visitor chose, else the first of the browser's languages that is there, else English.
 */
export function wordsFor(language: SettingValues['language']): Words {
  const wanted = language === 'auto' ? navigator.languages : [language];
  for (const tag of wanted) {
    if (/^ko\b/i.test(tag)) return ko;
    if (/^en\b/i.test(tag)) return en;
  }
  return en;
}

const context = createContext(en);
export const WordsContext = context.Provider;
export const useWords = (): Words => useContext(context);

// ---- Numbers ----

export const megabytes = (bytes: number): string =>
  bytes < 1e9
    ? `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`
    : `${(bytes / 1e9).toFixed(2)} GB`;

export const whole = (value: number): string => value.toFixed(0);
