/** 32 KB/s: what a reader must manage. */
const SLOWEST_BYTES_PER_MS = 32
/** How much later it may be known that he has read something, in milliseconds. */
const GRACE_MS = 5_000

/** A place in the stream of bytes, and when a reader of the least speed would have read up to it. */
export interface Milestone {
  readonly position: number
  due: number
}

/**
 * How far somebody was sent something, how far he is known to have read it, and by when a reader of the
 * least speed would have. Knows no clock: times are those of the caller, in milliseconds.
 */
export class Pace {
  private sentTo = 0
  private readTo = 0
  /** When a reader of the least speed would have read all that was sent. */
  private readBy = 0

  get sent(): number {
    return this.sentTo
  }

  get read(): number {
    return this.readTo
  }

  send(bytes: number, now: number): void {
    this.sentTo += bytes
    // Nobody reads ahead of what he is sent.
    this.readBy = Math.max(this.readBy, now) + bytes / SLOWEST_BYTES_PER_MS
  }

  /** The end of what was sent so far. */
  milestone(now: number): Milestone {
    return { position: this.sentTo, due: Math.max(now, this.readBy) }
  }

  /** He has read up to a position; the milestones that he has yet to reach are due no later than from here. */
  reach(position: number, milestones: readonly Milestone[], now: number): void {
    this.readTo = position
    // Who was quicker than need be has earned no credit for later.
    const readBy = (last: number) => now + (last - position) / SLOWEST_BYTES_PER_MS
    for (const milestone of milestones) milestone.due = Math.min(milestone.due, readBy(milestone.position))
    this.readBy = Math.min(this.readBy, readBy(this.sentTo))
  }

  /** Whether somebody who has not reached a milestone is to be given up. */
  isLate({ due }: Milestone, now: number): boolean {
    return now > due + GRACE_MS
  }
}
