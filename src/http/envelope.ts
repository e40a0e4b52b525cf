import { Page } from '../pagination.js'

/** What every success looks like: `{ success, data }`, and for a list its `meta`. */
export function envelope(value: unknown): object {
  if (value instanceof Page) return { success: true, data: value.items, meta: value.meta }
  return { success: true, data: value }
}
