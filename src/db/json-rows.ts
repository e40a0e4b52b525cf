import { JsonText } from '@forinda/kickjs-http'
import { types } from 'pg'
import { isoFromPostgres } from './columns.js'

/** Rows as Postgres wrote their values, and the type of each column. */
export interface TextRows {
  fields: readonly { dataTypeID: number }[]
  rows: readonly (readonly (string | null)[])[]
}

type Encoder = (text: string) => string

const UUID_ARRAY = 2951

/** By the type's number in `pg_type`: what Postgres wrote, in JSON. */
const encoderByType: ReadonlyMap<number, Encoder> = new Map<number, Encoder>([
  [types.builtins.UUID, quoted],
  [types.builtins.TEXT, text => JSON.stringify(text)],
  [types.builtins.INT4, asItIs],
  [types.builtins.INT8, asItIs],
  [types.builtins.JSONB, asItIs],
  [types.builtins.BOOL, text => String(text === 't')],
  [types.builtins.TIMESTAMPTZ, text => quoted(isoFromPostgres(text))],
  [UUID_ARRAY, text => (text === '{}' ? '[]' : `["${text.slice(1, -1).replaceAll(',', '","')}"]`)],
])

/**
 * Rows as JSON objects with these keys, for answers that hold nothing else: to make values of what Postgres wrote, and
 * texts of the values, takes longer than all the rest of a page.
 * @throws where a column is of a type that no table of ours had when this was written
 */
export function jsonRows(keys: readonly string[], { fields, rows }: TextRows): JsonText {
  const encoders = fields.map(({ dataTypeID }) => encoderOf(dataTypeID))
  const names = keys.map(key => `${JSON.stringify(key)}:`)
  const objects = rows.map(row => {
    const members = row.map((text, n) => names[n] + (text === null ? 'null' : (encoders[n]?.(text) ?? '')))
    return `{${members.join()}}`
  })
  return new JsonText(`[${objects.join()}]`)
}

function encoderOf(type: number): Encoder {
  const encode = encoderByType.get(type)
  if (!encode) throw new Error(`Type ${type} has no form in JSON yet`)
  return encode
}

function asItIs(text: string): string {
  return text
}

function quoted(text: string): string {
  return `"${text}"`
}
