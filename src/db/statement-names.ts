import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type pg from 'pg'

/** So many plans does each connection keep, some ten kilobytes each. What comes later is planned every time. */
const MOST_NAMES = 400
const MOST_SEEN_ONCE = 1_000

/** What is planned at all; everything else, such as `begin`, is quicker without a name. */
const PLANNED = /^\s*(select|insert|update|delete|with)\b/i

/**
 * Names for statements that come again, by their texts: a statement with a name is parsed and planned once per
 * connection, which for many of ours takes as long as running it. One that comes once costs nothing.
 */
export class StatementNames {
  private readonly names = new Map<string, string>()
  private readonly seenOnce = new LRUCache<string, true>({ max: MOST_SEEN_ONCE })

  /** From now on what the connection is asked again goes by a name. */
  watch(client: pg.ClientBase): void {
    const { query } = client
    Object.assign(client, {
      query: (config: unknown, ...others: unknown[]) =>
        Reflect.apply(query, client, [this.named(config), ...others]),
    })
  }

  private named(config: unknown): unknown {
    if (!isPlain(config) || config.name !== undefined) return config
    const name = this.nameOf(config.text)
    return name === undefined ? config : { ...config, name }
  }

  private nameOf(text: string): string | undefined {
    const known = this.names.get(text)
    if (known !== undefined || this.names.size >= MOST_NAMES || !PLANNED.test(text)) return known
    if (!this.seenOnce.has(text)) {
      this.seenOnce.set(text, true)
      return undefined
    }
    const name = `q_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`
    this.names.set(text, name)
    return name
  }
}

/** A statement as an object, rather than as its text or as something that submits itself. */
function isPlain(config: unknown): config is { text: string; name?: unknown } {
  return (
    config instanceof Object && 'text' in config && typeof config.text === 'string' && !('submit' in config)
  )
}
