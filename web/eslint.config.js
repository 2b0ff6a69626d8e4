import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import globals from 'globals';
import ts from 'typescript-eslint';

const UNUSED = ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }];

export default defineConfig(
  { ignores: ['dist/', 'src/constants.ts', '**/node_modules/'] },
  js.configs.recommended,
  { rules: { 'no-unused-vars': UNUSED } },
  {
    files: ['src/**/*.ts'],
    extends: [ts.configs.recommendedTypeChecked],
    rules: {
      '@typescript-eslint/no-unused-vars': UNUSED,
      '@typescript-eslint/prefer-promise-reject-errors': 'off', // an abort rejects with whatever the signal's reason is
      '@typescript-eslint/require-await': 'off', // async functions reject where others would throw
    },
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
  },
  {
    files: ['demo/**/*.{ts,tsx}'],
    extends: [ts.configs.recommendedTypeChecked],
    rules: { '@typescript-eslint/no-unused-vars': UNUSED },
    languageOptions: { parserOptions: { project: './demo/tsconfig.json', tsconfigRootDir: import.meta.dirname } },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    // Functions in tests run in pages too.
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
);
