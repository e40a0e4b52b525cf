import type { Truth } from './truth.js'

/** What is known of one message by who wrote it. */
export interface Entry {
  id: string
  channelId: string
  /** As last acknowledged; undefined until its sending is. */
  content?: string
  deleted: boolean
  /** What was tried and not acknowledged yet, so that it may have happened or not. */
  open?: { content: string } | { deleted: true }
}

/** Every write that was tried, and what of it was acknowledged. */
export class Ledger {
  readonly entries = new Map<string, Entry>()
  acknowledged = 0
  /** Writes that were refused for good, by their codes. */
  readonly refused: Record<string, number> = {}

  send(id: string, channelId: string, content: string): Entry {
    const entry: Entry = { id, channelId, deleted: false, open: { content } }
    this.entries.set(id, entry)
    return entry
  }

  acknowledge(entry: Entry): void {
    const { open } = entry
    if (!open) return
    if ('content' in open) entry.content = open.content
    else entry.deleted = true
    delete entry.open
    this.acknowledged += 1
  }

  refuse(entry: Entry, code: string): void {
    delete entry.open
    this.refused[code] = (this.refused[code] ?? 0) + 1
  }
}

/** A ledger as it travels between processes. */
export interface Account {
  entries: Entry[]
  acknowledged: number
  refused: Record<string, number>
}

/** Compares all that was acknowledged with what is stored; tells each difference. */
export function audit(accounts: readonly Account[], truth: Truth): string[] {
  const entries = new Map(accounts.flatMap(account => account.entries).map(entry => [entry.id, entry]))
  const stored = new Map(Object.values(truth).flatMap(({ rows }) => rows.map(row => [row.id, row])))
  const lost = [...entries.values()]
    .filter(entry => entry.content !== undefined && !stored.has(entry.id))
    .map(({ id }) => `${id} was acknowledged and is not stored`)
  const wrong = [...stored.values()].flatMap(row => {
    const entry = entries.get(row.id)
    if (!entry) return [`${row.id} is stored and nobody sent it`]
    return agrees(entry, row) ? [] : [`${row.id} is stored other than acknowledged`]
  })
  return [...lost, ...wrong, ...Object.values(truth).flatMap(gaps)]
}

function agrees({ content, deleted, open }: Entry, row: { content: string; deleted: boolean }): boolean {
  if (row.deleted) return deleted || (open !== undefined && 'deleted' in open)
  if (deleted) return false
  return row.content === content || (open !== undefined && 'content' in open && row.content === open.content)
}

/** Each number of a channel belongs to one change, and the latest to the latest. */
function gaps({ lastSeq, rows }: Truth[string]): string[] {
  const seqs = rows.map(({ seq }) => seq)
  const latest = Math.max(0, ...seqs)
  const found = new Set(seqs).size === seqs.length ? [] : ['a sequence number was given twice']
  return latest === lastSeq ? found : [...found, `the channel says ${lastSeq}, its messages ${latest}`]
}
