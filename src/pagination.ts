import { z } from 'zod'
import { queryInteger } from './fields.contract.js'

/** Paging by an opaque cursor: `limit` 1–100 (default 50) and the `nextCursor` of the page before. */
export const pageQuery = z.strictObject({
  limit: queryInteger(1, 100).default(50),
  cursor: z.string().min(1).max(512).optional(),
})
export type PageQuery = z.output<typeof pageQuery>

/** The same, for lists that can also be counted: `count=exact` adds `meta.total`. */
export const countedPageQuery = pageQuery.extend({ count: z.literal('exact').optional() })

export interface PageMeta {
  /** Give it as `cursor` to get the next page; null at the end. */
  nextCursor: string | null
  limit: number
  /** How many rows there are in all; only when asked for. */
  total?: number
  /** Nodes that did not say what they have; only where nodes are asked. */
  missingNodes?: readonly string[]
}

/** A page of a list, on its way to `{ success, data, meta }`. */
export class Page<T> {
  constructor(
    readonly items: readonly T[],
    readonly meta: PageMeta,
  ) {}

  /** The same page with each item presented otherwise. */
  map<U>(present: (item: T) => U): Page<U> {
    return new Page(this.items.map(present), this.meta)
  }
}

/**
 * A page from one row more than it holds: the extra row only tells that there is a next page.
 * `cursorOf` names the last row's place in the order.
 */
export function toPage<T>(
  rows: readonly T[],
  limit: number,
  cursorOf: (last: T) => string,
  total?: number,
): Page<T> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  const nextCursor = rows.length > limit && last !== undefined ? cursorOf(last) : null
  return new Page(items, { nextCursor, limit, ...(total === undefined ? {} : { total }) })
}
