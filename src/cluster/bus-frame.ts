import type { DomainEvent, Told } from '../events.js'

/** Shows that a node is there, and tells the others how long their beats take to get here. */
export interface Beat {
  /** By the sender's own clock, in milliseconds. */
  at: number
  /** By node: its latest beat that was heard here, and how long ago that was. */
  heard: Record<string, { at: number; agoMs: number }>
}

/** What a node sends to the others at once. Frames of one node are numbered without gaps: a gap is a loss. */
export interface Frame {
  from: string
  n: number
  told: readonly Told[]
  beat?: Beat
}

/** Events that each node finds out for itself. */
const LOCAL: ReadonlySet<DomainEvent> = new Set<DomainEvent>([
  'presence.online',
  'presence.offline',
  'nodes.seen',
  'bus.missed',
  'access.doubted',
])

/** Beyond this many bytes an event is told as a mere wake-up: whoever serves the place reads it from the database. */
const LARGEST_EVENT = 3_000

/** An event in the form in which the other nodes are told of it, with its size in bytes; undefined if they are not. */
export function toTell(told: Told): { told: Told; bytes: number } | undefined {
  if (LOCAL.has(told[0])) return undefined
  const bytes = sizeOf(told)
  if (bytes <= LARGEST_EVENT) return { told, bytes }
  const wakeUp = wakeUpFor(told)
  return { told: wakeUp, bytes: wakeUp === told ? bytes : sizeOf(wakeUp) }
}

function wakeUpFor(told: Told): Told {
  const [name, event] = told
  switch (name) {
    case 'message.created':
    case 'message.edited':
    case 'message.deleted':
    case 'message.reacted':
      return ['channel.advanced', { channelId: event.channelId, lastSeq: event.seq }]
    case 'task.created':
    case 'task.updated':
    case 'task.moved': {
      const { workspaceId, projectId, seq: lastSeq } = event.task
      return ['project.advanced', { workspaceId, projectId, lastSeq }]
    }
    default:
      return told
  }
}

function sizeOf(told: Told): number {
  return Buffer.byteLength(JSON.stringify(told))
}
