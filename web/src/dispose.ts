/// <reference lib="esnext.disposable" preserve="true" />
/** `Symbol.dispose`, which `using` looks for; browsers before 2025 lack both, and get a symbol of that description. */
export const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for('Symbol.dispose');
