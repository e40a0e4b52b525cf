/** Less than this unread never matters. */
const LIGHT_BYTES = 65_536
/** More than this unread is a lag at once. */
const HEAVY_BYTES = 262_144
const LAG_MS = 1_000
/** How long a confirmation may take on its way, besides the reading. */
const ANSWER_MS = 5_000
/** 32 KB/s: what a reader must manage. */
const SLOWEST_BYTES_PER_MS = 32
/** A confirmation is asked for once this much was written since the last one, or for less a while later. */
const ASK_BYTES = 32_768
const ASK_MS = 5_000
/** What a packet costs in memory besides its text; that of a broadcast is there twice, as text and as bytes. */
const PACKET_BYTES = 600

/** A confirmation that was asked for: of all up to `position`. */
interface Question {
  id: number
  position: number
  askedAt: number
  /** When a reader of the least speed would have read up to it. */
  due: number
}

/**
 * What one connection was sent and has not confirmed to have read. What the process holds would not
 * tell: kernels on the way swallow megabytes. Knows no clock: times are those of the caller.
 */
export class Backlog {
  /** Positions in the stream of bytes: of the last one made, handed to the transport, confirmed. */
  private made = 0
  private handed = 0
  private confirmed = 0
  /** When the first byte was handed over that no question covers. */
  private uncoveredSince = 0
  /** When a reader of the least speed would have read all that was handed over. */
  private readBy = 0
  /** Memory of what waits for the transport, and of what the transport has but the kernel has not. */
  private waiting = 0
  private leaving = 0
  private questions: Question[] = []

  /** @param patienceMs how long the answer to one question may take at most */
  constructor(private readonly patienceMs: number) {}

  get unconfirmed(): number {
    return this.made - this.confirmed
  }

  /** What this process has in memory for the connection, in bytes. */
  get held(): number {
    return this.waiting + this.leaving
  }

  /** Whether something waits for the transport. */
  get isWaiting(): boolean {
    return this.waiting > 0
  }

  get isLight(): boolean {
    return this.unconfirmed <= LIGHT_BYTES
  }

  add(bytes: number, isBroadcast: boolean): void {
    this.made += bytes
    this.waiting += (isBroadcast ? 2 * bytes : bytes) + PACKET_BYTES
  }

  /** So much went to the kernel without waiting for the transport. */
  pass(bytes: number, now: number): void {
    this.made += bytes
    this.hand(bytes, now)
  }

  /** The transport was given all that waited. */
  handOver(now: number): void {
    this.hand(this.made - this.handed, now)
    this.leaving += this.waiting
    this.waiting = 0
  }

  /** The kernel has taken all that the transport was given. */
  taken(): void {
    this.leaving = 0
  }

  /** Whether it is time for a question. */
  isToAsk(now: number): boolean {
    const uncovered = this.handed - this.covered
    return uncovered >= ASK_BYTES || (uncovered > 0 && now - this.uncoveredSince >= ASK_MS)
  }

  /** Notes a question, under an id that only its receiver knows, of all that was handed over so far. */
  ask(id: number, now: number): void {
    this.questions.push({ id, position: this.handed, askedAt: now, due: Math.max(now, this.readBy) })
  }

  /** An answer confirms the questions before it, too. */
  answer(id: number, now: number): void {
    const index = this.questions.findIndex(question => question.id === id)
    const answered = this.questions[index]
    if (answered) this.confirm(answered.position, this.questions.slice(index + 1), now)
  }

  /** All that was handed over has been read. */
  answerAll(now: number): void {
    this.confirm(this.handed, [], now)
  }

  /** Whether the reader is so far behind that he is better sent only what matters. */
  isLagging(now: number): boolean {
    if (this.isLight) return false
    const oldest = this.questions[0]
    return this.unconfirmed > HEAVY_BYTES || (oldest !== undefined && now - oldest.askedAt > LAG_MS)
  }

  /**
   * Whether the reader is to be given up: with more than 64 KiB unread, somebody who reads 32 KB/s
   * would have answered five seconds ago. So a large answer on a slow line has its time, in which it
   * moves but no confirmation can come, and a trickle of small packets has not.
   */
  isOverdue(now: number): boolean {
    const oldest = this.questions[0]
    if (this.isLight || !oldest) return false
    return now > Math.min(oldest.due + ANSWER_MS, oldest.askedAt + this.patienceMs)
  }

  /** Up to where there are questions or answers. */
  private get covered(): number {
    return this.questions.at(-1)?.position ?? this.confirmed
  }

  private hand(bytes: number, now: number): void {
    if (this.handed === this.covered) this.uncoveredSince = now
    this.handed += bytes
    // Nobody reads ahead of what he is sent.
    this.readBy = Math.max(this.readBy, now) + bytes / SLOWEST_BYTES_PER_MS
  }

  private confirm(position: number, rest: Question[], now: number): void {
    this.confirmed = position
    this.questions = rest
    // Who was quicker than need be has earned no credit for later.
    const readBy = (last: number) => now + (last - position) / SLOWEST_BYTES_PER_MS
    for (const question of rest) question.due = Math.min(question.due, readBy(question.position))
    this.readBy = Math.min(this.readBy, readBy(this.handed))
  }
}
