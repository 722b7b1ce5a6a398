// Two small turns of data that every part of build/ needs.

/** Calls `make` for each entry of a mapping, in file order. */
export function entries<T, R>(map: Readonly<Record<string, T>>, make: (name: string, value: T) => R): R[] {
  return Object.entries(map).map(([name, value]) => make(name, value));
}

/** A type whose keys that may be undefined may be absent instead. */
export type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The same object without the keys that are undefined (exactOptionalPropertyTypes). */
export function present<T extends object>(value: T): Present<T> {
  // By the definition of Present: a key that may be undefined may be absent.
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as Present<T>;
}

/** true stays, false becomes absent: a flag that is not set says nothing in the model. */
export function onlyTrue(flag: boolean): true | undefined {
  return flag ? true : undefined;
}
