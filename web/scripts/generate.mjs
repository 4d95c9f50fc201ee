/** What types does the API have? Makes `src/api/generated/*.ts` from `openapi/*.json`: `npm run generate`. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import openapiTS, { astToString } from "openapi-typescript";
import ts from "typescript";

const WEB = path.resolve(import.meta.dirname, "..");
export const TYPES = path.join(WEB, "src/api/generated");
const DOCUMENTS = path.join(WEB, "openapi");
const HEAD = "/** Generated from the server's OpenAPI document by `npm run generate`; not edited by hand. */\n";

const NUMBER_OR_TEXT = ts.factory.createUnionTypeNode([
  ts.factory.createKeywordTypeNode(ts.SyntaxKind.NumberKeyword),
  ts.factory.createKeywordTypeNode(ts.SyntaxKind.StringKeyword),
]);

const ANYTHING = ts.factory.createTypeReferenceNode("Record", [
  ts.factory.createKeywordTypeNode(ts.SyntaxKind.StringKeyword),
  ts.factory.createKeywordTypeNode(ts.SyntaxKind.UnknownKeyword),
]);

/** What OpenAPI has no word for and Kubernetes marks with an extension. */
function extended(schema) {
  if (schema["x-kubernetes-int-or-string"] === true) return NUMBER_OR_TEXT;
  if (schema["x-kubernetes-preserve-unknown-fields"] === true && schema.properties === undefined) return ANYTHING;
  return undefined;
}

/** Each file's name and what should be in it. */
export async function generated() {
  const found = new Map();
  for (const name of readdirSync(DOCUMENTS).sort()) {
    const document = JSON.parse(readFileSync(path.join(DOCUMENTS, name), "utf8"));
    const types = await openapiTS(document, {
      // A default is the server's to fill in: who asks may leave the field out, and an old record may lack it.
      defaultNonNullable: false,
      transform: extended,
    });
    found.set(name.replace(/\.json$/, ".ts"), HEAD + astToString(types));
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of await generated()) writeFileSync(path.join(TYPES, name), text);
}
