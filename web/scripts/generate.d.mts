/** The folder of the generated types. */
export const TYPES: string;
/** Each generated file's name and what should be in it. */
export function generated(): Promise<Map<string, string>>;
