import type { Schema } from '@forinda/kickjs-core'
import { z } from 'zod'

export type JsonSchema = z.core.JSONSchema.BaseSchema

/** A contract's schema as JSON Schema 2020-12: of what is sent (`input`), or of what is made of it (`output`). */
export function jsonSchema(schema: Schema, io: 'input' | 'output' = 'input'): JsonSchema {
  if (!(schema instanceof z.ZodType)) return {}
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io, unrepresentable: 'any', override: tidy })
  return described
}

/** Leaves out what says nothing: the pattern of a known format, the bounds of JavaScript's integers. */
function tidy({ jsonSchema: described }: { jsonSchema: JsonSchema }): void {
  if (described.format !== undefined) delete described.pattern
  if (described.minimum === Number.MIN_SAFE_INTEGER) delete described.minimum
  if (described.maximum === Number.MAX_SAFE_INTEGER) delete described.maximum
}
