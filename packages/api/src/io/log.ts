// What this package needs of a logger; pino's has this shape. Nothing is written here.

/** Writes one line with fields. */
export type ApiLogLine = (fields: Readonly<Record<string, unknown>>, message: string) => void;

export interface ApiLog {
  readonly info: ApiLogLine;
  readonly warn: ApiLogLine;
  readonly error: ApiLogLine;
}
