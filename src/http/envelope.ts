import { JsonText } from '@forinda/kickjs-http'
import { JsonPage } from '../json-page.js'
import { Page } from '../pagination.js'

/** What every success looks like: `{ success, data }`, and for a list its `meta`. */
export function envelope(value: unknown): object {
  if (value instanceof JsonPage)
    return new JsonText(`{"success":true,"data":${value.items.text},"meta":${JSON.stringify(value.meta)}}`)
  if (value instanceof Page) return { success: true, data: value.items, meta: value.meta }
  return { success: true, data: value }
}
