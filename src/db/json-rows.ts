import { JsonText } from '@forinda/kickjs-http'
import { types } from 'pg'
import { isoFromPostgres } from './columns.js'

/** The values of a row as Postgres wrote them. */
export type TextRow = readonly (string | null)[]

/** Such rows, and the type of each column. */
export interface TextRows {
  fields: readonly { dataTypeID: number }[]
  rows: readonly TextRow[]
}

type Encoder = (text: string) => string

const UUID_ARRAY = 2951
/** From here on types are those that somebody has made, of which ours are words. Source: `FirstNormalObjectId` of PostgreSQL. */
const FIRST_MADE = 16_384

/** By the type's number in `pg_type`: what Postgres wrote, in JSON. */
const encoderByType: ReadonlyMap<number, Encoder> = new Map<number, Encoder>([
  [types.builtins.UUID, quoted],
  [types.builtins.TEXT, encodeText],
  [types.builtins.INT4, asItIs],
  [types.builtins.INT8, asItIs],
  [types.builtins.FLOAT4, asItIs],
  [types.builtins.JSON, asItIs],
  [types.builtins.JSONB, asItIs],
  [types.builtins.BOOL, text => String(text === 't')],
  [types.builtins.TIMESTAMPTZ, text => quoted(isoFromPostgres(text))],
  [UUID_ARRAY, text => (text === '{}' ? '[]' : `["${text.slice(1, -1).replaceAll(',', '","')}"]`)],
])

/**
 * Rows as JSON objects with these keys for their first columns, for answers that hold nothing else: to make values of
 * what Postgres wrote, and texts of the values, takes longer than all the rest of a page.
 * @throws where a column is of a type that no table of ours had when this was written
 */
export function jsonRows(keys: readonly string[], { fields, rows }: TextRows): JsonText {
  const encoders = keys.map((_, n) => encoderOf(fields[n]?.dataTypeID ?? 0))
  const names = keys.map(key => `${JSON.stringify(key)}:`)
  const objects = rows.map(row => {
    const members = encoders.map((encode, n) => names[n] + (row[n] == null ? 'null' : encode(row[n])))
    return `{${members.join()}}`
  })
  return new JsonText(`[${objects.join()}]`)
}

function encoderOf(type: number): Encoder {
  const encode = encoderByType.get(type) ?? (type >= FIRST_MADE ? encodeText : undefined)
  if (!encode) throw new Error(`Type ${type} has no form in JSON yet`)
  return encode
}

function encodeText(text: string): string {
  return JSON.stringify(text)
}

function asItIs(text: string): string {
  return text
}

function quoted(text: string): string {
  return `"${text}"`
}
