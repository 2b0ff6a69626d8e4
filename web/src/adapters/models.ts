/** Which model an adapter's caller means. */
import type { Model } from '../index.js';

/**
 * One model, which then answers to any name; or several, each under the name that requests ask for
 * it by.
 */
export type Models = Model | Readonly<Record<string, Model>>;

/** The models by name; one that was given without a name has its own. */
export function namedModels(models: Models): ReadonlyMap<string, Model> {
  return isModel(models)
    ? new Map([[models.info.name || 'inkling', models]])
    : new Map(Object.entries(models));
}

/** What `name` asks for; undefined where there is none of that name. */
export function findModel(models: Models, name: string): Model | undefined {
  if (isModel(models)) return models;
  return Object.hasOwn(models, name) ? models[name] : undefined;
}

function isModel(models: Models): models is Model {
  return typeof (models as Model).chat === 'function';
}
