/** A module of Node.js's, where there is Node.js; reached in a way that no bundler takes for an import. */
export function nodeModule<T>(name: string): T | undefined {
  type Process = { getBuiltinModule?: (name: string) => unknown };
  return (globalThis as { process?: Process }).process?.getBuiltinModule?.(`node:${name}`) as T | undefined;
}
