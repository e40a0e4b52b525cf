import { Autowired, Logger, Service } from '@forinda/kickjs-core'
import { Access } from '../../access/access.js'
import type { Asker } from '../../access/asker.js'
import { Events } from '../../events.js'
import { Feed } from '../../realtime/feed.js'
import type { Message, MessageChanges } from '../messages/messages.contract.js'
import { MessagesRepository } from '../messages/messages.repository.js'

/** A change of a message on its way to the listeners of its channel. */
export interface MessageChange {
  seq: number
  kind: 'new' | 'edited' | 'deleted'
  message: Message
}

/** How the feeds reach this node's sockets. */
export interface Listeners {
  deliver(change: MessageChange): void
  /** Whether any socket of this node is in the channel. */
  listensTo(channelId: string): boolean
}

interface Served {
  feed: Feed<MessageChange>
  /** Joins under way: while there are any, the feed stays open without a listener. */
  joining: number
}

/** How often the feeds are compared with the database, in milliseconds. */
const COMPARE_MS = 2_000
/** How many missed changes are read at a time. */
const PORTION = 100

const logger = Logger.for('ChannelFeeds')

/** One feed for each channel that sockets of this node listen to. */
@Service()
export class ChannelFeeds {
  @Autowired(Access) private access!: Access
  @Autowired(MessagesRepository) private messages!: MessagesRepository
  @Autowired(Events) private events!: Events
  private readonly served = new Map<string, Served>()
  private listeners: Listeners = { deliver: () => {}, listensTo: () => false }
  private timer: NodeJS.Timeout | undefined
  private closed = false

  /** Starts to pass changes on. */
  open(listeners: Listeners): void {
    this.listeners = listeners
    this.events.on('message.created', message => this.offer('new', message))
    this.events.on('message.edited', message => this.offer('edited', message))
    this.events.on('message.deleted', message => this.offer('deleted', message))
    this.compareLater()
  }

  /**
   * Lets a reader in between two changes: `enter` is called exactly where what it is told ends, namely
   * what he missed since `since`, or where the channel stands.
   */
  async join(
    reader: Asker,
    channelId: string,
    since: number | undefined,
    enter: (told: MessageChanges) => void,
  ): Promise<void> {
    // Held before anything is read: a feed hears of changes from when it is there.
    const served = this.hold(channelId)
    try {
      let told = await this.read(reader, channelId, since)
      while (!(await served.feed.joinAt(told.lastSeq, () => enter(told)))) {
        const from = since === undefined || 'reset' in told ? undefined : told.lastSeq
        told = append(told, await this.read(reader, channelId, from))
      }
    } finally {
      served.joining -= 1
      this.release(channelId)
    }
  }

  /** Closes the feed of a channel that nobody listens to or joins. */
  release(channelId: string): void {
    const served = this.served.get(channelId)
    if (!served || served.joining > 0 || this.listeners.listensTo(channelId)) return
    served.feed.close()
    this.served.delete(channelId)
  }

  /** How many channels are being followed. */
  get size(): number {
    return this.served.size
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
    for (const { feed } of this.served.values()) feed.close()
    this.served.clear()
  }

  private hold(channelId: string): Served {
    const served = this.served.get(channelId) ?? { feed: this.feedOf(channelId), joining: 0 }
    this.served.set(channelId, served)
    served.joining += 1
    return served
  }

  private async read(reader: Asker, channelId: string, since: number | undefined): Promise<MessageChanges> {
    const channel = await this.access.channel(reader, channelId)
    if (since === undefined) return { lastSeq: channel.lastSeq, changes: [] }
    return this.messages.changes(channel, since)
  }

  private offer(kind: MessageChange['kind'], message: Message) {
    this.served.get(message.channelId)?.feed.offer({ seq: message.seq, kind, message })
  }

  private feedOf(channelId: string): Feed<MessageChange> {
    return new Feed<MessageChange>({
      deliver: change => this.listeners.deliver(change),
      reload: async since => {
        const changed = await this.messages.changedSince(channelId, since, PORTION)
        return changed.map(message => changeSince(message, since))
      },
    })
  }

  /** The database is the truth: a commit that nobody told this node of shows in the channel's sequence. */
  private async compare() {
    const lastSeqs = await this.messages.lastSeqs([...this.served.keys()])
    for (const { channelId, lastSeq } of lastSeqs) this.served.get(channelId)?.feed.expect(lastSeq)
  }

  private compareLater() {
    if (this.closed) return
    this.timer = setTimeout(async () => {
      try {
        if (this.served.size > 0) await this.compare()
      } catch (error) {
        logger.warn({ err: error }, 'the channels could not be compared with the database; trying again')
      }
      this.compareLater()
    }, COMPARE_MS)
    this.timer.unref()
  }
}

/** What happened to a message since a sequence, as far as its row still tells. */
function changeSince(message: Message, since: number): MessageChange {
  const kind = message.deletedAt !== null ? 'deleted' : message.position > since ? 'new' : 'edited'
  return { seq: message.seq, kind, message }
}

function append(earlier: MessageChanges, later: MessageChanges): MessageChanges {
  if ('reset' in earlier || 'reset' in later) return { lastSeq: later.lastSeq, reset: true }
  const replaced = new Set(later.changes.map(({ messageId }) => messageId))
  const kept = earlier.changes.filter(({ messageId }) => !replaced.has(messageId))
  return { lastSeq: later.lastSeq, changes: [...kept, ...later.changes] }
}
