import type { JsonText } from '@forinda/kickjs-http'
import type { PageMeta } from './pagination.js'

/** A page of a list whose items are JSON already. */
export class JsonPage {
  constructor(
    readonly items: JsonText,
    readonly meta: PageMeta,
  ) {}

  get isEmpty(): boolean {
    return this.items.text === '[]'
  }
}
