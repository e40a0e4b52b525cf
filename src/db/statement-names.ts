import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type pg from 'pg'

/** So many plans does each connection keep, some ten kilobytes each. What comes later is planned every time. */
const MOST_NAMES = 400
const MOST_SEEN_ONCE = 1_000

/**
 * A plan is made for the sizes that tables have, and kept: one that was made on the first day would read a table
 * from end to end until statistics say that it has grown. So it is made again after eight times as many uses,
 * up to where its tables are large enough for their indexes.
 */
const REPLANNED_AT_USES = [2, 16, 128, 1_024, 8_192]

/** What is planned at all; everything else, such as `begin`, is quicker without a name. */
const PLANNED = /^\s*(select|insert|update|delete|with)\b/i

interface Named {
  name: string
  uses: number
}

/**
 * Names for statements that come again, by their texts: a statement with a name is parsed and planned once per
 * connection, which for many of ours takes as long as running it. One that comes once costs nothing.
 */
export class StatementNames {
  private readonly statements = new Map<string, Named>()
  private readonly seenOnce = new LRUCache<string, true>({ max: MOST_SEEN_ONCE })
  private names = 0

  /** From now on what the connection is asked again goes by a name. */
  watch(client: pg.ClientBase): void {
    const { query } = client
    Object.assign(client, {
      query: (config: unknown, ...others: unknown[]) =>
        Reflect.apply(query, client, [this.named(config), ...others]),
    })
  }

  private named(config: unknown): unknown {
    return isPlain(config) ? { ...config, name: this.nameOf(config) } : config
  }

  private nameOf({ text, name }: Plain): string | undefined {
    const statement = this.statements.get(text) ?? this.secondUse(text)
    if (!statement) return undefined
    statement.uses += 1
    if (REPLANNED_AT_USES.includes(statement.uses) && this.names < MOST_NAMES) {
      statement.name = `${typeof name === 'string' ? name : digestOf(text)}_${statement.uses}`
      this.names += 1
    }
    return statement.name
  }

  private secondUse(text: string): Named | undefined {
    if (this.names >= MOST_NAMES || !PLANNED.test(text)) return undefined
    if (!this.seenOnce.has(text)) {
      this.seenOnce.set(text, true)
      return undefined
    }
    const statement = { name: '', uses: 1 }
    this.statements.set(text, statement)
    return statement
  }
}

function digestOf(text: string): string {
  return `q_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`
}

interface Plain {
  text: string
  name?: unknown
}

/** A statement as an object, rather than as its text or as something that submits itself. */
function isPlain(config: unknown): config is Plain {
  return (
    config instanceof Object && 'text' in config && typeof config.text === 'string' && !('submit' in config)
  )
}
