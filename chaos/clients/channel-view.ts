import type { Message } from '../../src/modules/messages/messages.contract.js'

/** A live event of a channel, whichever of the three it was. */
export interface Change {
  kind: 'new' | 'edited' | 'deleted'
  messageId: string
  seq: number
  content: string
  /** Its place in the history; only what is new tells it. */
  position?: number
}

export interface Shown {
  content: string
  deleted: boolean
  position: number
  seq: number
}

/** Numbers that were left out: what is later than `since` and before `before` has to be asked for. */
export interface Hole {
  since: number
  before: number
}

/** What one client shows of one channel, by the rule of the protocol, and each breach of it. */
export class ChannelView {
  readonly shown = new Map<string, Shown>()
  readonly faults = { doubles: 0, disorders: 0, holes: 0, hidden: 0 }
  /** The latest change that was heard or told. */
  private seq = 0
  private openHoles = 0
  /** Nothing up to here can be missing. */
  private sureTo = 0
  private early: Change[] | undefined

  /** From where the client has to be told what it missed. */
  get since(): number {
    return this.sureTo
  }

  get lastSeq(): number {
    return this.seq
  }

  /** A join is under way: what is heard before its answer waits. */
  hold(): void {
    this.early = []
  }

  /** What the answer to a join told, which reaches up to `lastSeq`. */
  enter(lastSeq: number, changes: readonly Message[]): Hole[] {
    for (const row of changes) this.fill(row, this.seq)
    return this.goOn(lastSeq)
  }

  /** The history afresh, read after the answer `reset`. Live events tell what is later than `lastSeq`. */
  reload(lastSeq: number, history: readonly Message[]): Hole[] {
    this.shown.clear()
    for (const row of history) if (row.position <= lastSeq) this.show(row)
    return this.goOn(lastSeq)
  }

  /** @returns the numbers that it jumped over */
  hear(change: Change): Hole | undefined {
    if (this.early) {
      this.early.push(change)
      return undefined
    }
    const known = this.shown.get(change.messageId)
    if (change.kind === 'new' && known) this.faults.doubles += 1
    else if (change.seq <= this.seq) this.faults.disorders += 1
    if (change.seq <= this.seq) return undefined
    const jumps = change.seq > this.seq + 1
    const hole = jumps ? { since: this.sureTo, before: change.seq } : undefined
    if (hole) {
      this.faults.holes += 1
      this.openHoles += 1
    } else if (change.kind !== 'new' && !known) this.faults.hidden += 1
    this.apply(change, known)
    this.seq = change.seq
    if (this.openHoles === 0) this.sureTo = this.seq
    return hole
  }

  /** What the server answered when it was asked for a hole. */
  mend({ before }: Hole, changes: readonly Message[]): void {
    // A break of the connection closes all holes, as it makes everything be told again.
    if (this.openHoles === 0) return
    for (const row of changes) if (row.seq <= before) this.fill(row, before - 1)
    this.openHoles -= 1
    if (this.openHoles === 0) this.sureTo = this.seq
  }

  /** A row that had to be told because it was missed; before `heard` it should have been heard live. */
  private fill(row: Message, heard: number) {
    const known = this.shown.get(row.messageId)
    if (known && known.seq >= row.seq) return
    if (row.seq <= heard) this.faults.hidden += 1
    this.show(row)
  }

  private goOn(lastSeq: number): Hole[] {
    if (lastSeq < this.sureTo) this.faults.disorders += 1
    this.seq = lastSeq
    this.sureTo = lastSeq
    this.openHoles = 0
    const waiting = this.early ?? []
    this.early = undefined
    return waiting.flatMap(change => this.hear(change) ?? [])
  }

  private show({ messageId, content, deletedAt, position, seq }: Message) {
    this.note(messageId, { content, deleted: deletedAt !== null, position, seq })
  }

  private apply({ kind, messageId, seq, content, position }: Change, known: Shown | undefined) {
    // Told ahead of its time by a history that was read later.
    if (known && known.seq >= seq) return
    const place = known?.position ?? position
    // The end of a message that never was: its tombstone comes with what the hole before it hid.
    if (place === undefined) return
    this.note(messageId, { content, deleted: kind === 'deleted', position: place, seq })
  }

  private note(messageId: string, row: Shown) {
    this.shown.set(shared(messageId), { ...row, content: shared(row.content) })
  }
}

const texts = new Map<string, string>()

/** The clients of a process keep each text once: otherwise their own memory would be what slows them down. */
function shared(text: string): string {
  const known = texts.get(text)
  if (known === undefined) texts.set(text, text)
  return known ?? text
}
