import { type SQL, sql } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'

type Select = Parameters<PgDialect['buildSelectQuery']>[0]

/**
 * Drizzle's, but for limits: they become part of the text. Plans are made once, whatever the values, and of a page that
 * may be of any size Postgres thinks that it is a tenth of all there is, and reads whole tables for it.
 */
class Dialect extends PgDialect {
  override buildSelectQuery(select: Select): SQL {
    const { limit } = select
    if (typeof limit !== 'number') return super.buildSelectQuery(select)
    return super.buildSelectQuery(Object.assign({}, select, { limit: literal(limit) }))
  }
}

export const dialect = new Dialect({ casing: 'snake_case' })

/** A whole number as part of a statement's text. */
export function literal(number: number): SQL {
  return sql.raw(Math.trunc(number).toString())
}
