import { type Milestone, Pace } from '@forinda/kickjs-core'

/** Less than this unread never matters. */
const LIGHT_BYTES = 65_536
/** More than this unread is a lag at once. */
const HEAVY_BYTES = 262_144
const LAG_MS = 1_000
/** A confirmation is asked for once this much was written since the last one, or for less a while later. */
const ASK_BYTES = 32_768
const ASK_MS = 5_000
/** What a packet costs in memory besides its text; that of a broadcast is there twice, as text and as bytes. */
const PACKET_BYTES = 600

/** A confirmation that was asked for: of all up to its position. */
interface Question extends Milestone {
  id: number
  askedAt: number
}

/**
 * What one connection was sent and has not confirmed to have read. What the process holds would not
 * tell: kernels on the way swallow megabytes. Knows no clock: times are those of the caller.
 */
export class Backlog {
  /** How many bytes were made for it. */
  private made = 0
  /** What of them the transport was given counts as sent, and what is confirmed as read. */
  private readonly pace = new Pace()
  /** When the first byte was handed over that no question covers. */
  private uncoveredSince = 0
  /** Memory of what waits for the transport, and of what the transport has but the kernel has not. */
  private waiting = 0
  private leaving = 0
  private questions: Question[] = []

  /** @param patienceMs how long the answer to one question may take at most */
  constructor(private readonly patienceMs: number) {}

  get unconfirmed(): number {
    return this.made - this.pace.read
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
    this.hand(this.made - this.pace.sent, now)
    this.leaving += this.waiting
    this.waiting = 0
  }

  /** The kernel has taken all that the transport was given. */
  taken(): void {
    this.leaving = 0
  }

  /** Whether it is time for a question. */
  isToAsk(now: number): boolean {
    const uncovered = this.pace.sent - this.covered
    return uncovered >= ASK_BYTES || (uncovered > 0 && now - this.uncoveredSince >= ASK_MS)
  }

  /** Notes a question, under an id that only its receiver knows, of all that was handed over so far. */
  ask(id: number, now: number): void {
    this.questions.push({ id, askedAt: now, ...this.pace.milestone(now) })
  }

  /** An answer confirms the questions before it, too. */
  answer(id: number, now: number): void {
    const index = this.questions.findIndex(question => question.id === id)
    const answered = this.questions[index]
    if (answered) this.confirm(answered.position, this.questions.slice(index + 1), now)
  }

  /** All that was handed over has been read. */
  answerAll(now: number): void {
    this.confirm(this.pace.sent, [], now)
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
    return this.pace.isLate(oldest, now) || now > oldest.askedAt + this.patienceMs
  }

  /** Up to where there are questions or answers. */
  private get covered(): number {
    return this.questions.at(-1)?.position ?? this.pace.read
  }

  private hand(bytes: number, now: number): void {
    if (this.pace.sent === this.covered) this.uncoveredSince = now
    this.pace.send(bytes, now)
  }

  private confirm(position: number, rest: Question[], now: number): void {
    this.questions = rest
    this.pace.reach(position, rest, now)
  }
}
