import { setImmediate } from 'node:timers'
import { Bundle } from './bundle.js'

/** A broadcast's frame as Socket.IO makes it: its head and its payload. */
export type Frame = readonly Uint8Array[]

/** One that has a bundle until the turn ends. */
interface Sender {
  endTurn(): void
}

/** What one turn of the event loop sends: at its end, each connection is written to once. */
export class Turn {
  private senders: Sender[] = []
  private empty = new Bundle()
  private latest: { frame: Frame; bytes: Buffer } | undefined

  /** The bundle to begin with, for somebody who is to be told of the end of the turn. */
  begin(sender: Sender): Bundle {
    if (this.senders.push(sender) === 1) setImmediate(() => this.end())
    return this.empty
  }

  /** The frame in one piece, which is made once for all connections that a broadcast goes to. */
  bytesOf(frame: Frame): Buffer {
    if (this.latest?.frame !== frame) this.latest = { frame, bytes: Buffer.concat(frame) }
    return this.latest.bytes
  }

  private end(): void {
    const { senders } = this
    this.senders = []
    this.empty = new Bundle()
    this.latest = undefined
    for (const sender of senders) sender.endTurn()
  }
}
