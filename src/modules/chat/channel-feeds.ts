import { Autowired, Service } from '@forinda/kickjs-core'
import { Access } from '../../access/access.js'
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

interface Reader {
  id: string
}

/** One feed for each channel that sockets of this node listen to. */
@Service()
export class ChannelFeeds {
  @Autowired(Access) private access!: Access
  @Autowired(MessagesRepository) private messages!: MessagesRepository
  @Autowired(Events) private events!: Events
  private readonly feeds = new Map<string, Feed<MessageChange>>()

  /** Starts to pass changes on; `deliver` hands one to this node's sockets in its channel. */
  open(deliver: (change: MessageChange) => void): void {
    this.deliver = deliver
    this.events.on('message.created', message => this.offer('new', message))
    this.events.on('message.edited', message => this.offer('edited', message))
    this.events.on('message.deleted', message => this.offer('deleted', message))
  }

  /**
   * Lets a reader in between two changes: `enter` is called exactly where what he is told here ends.
   * @returns what he missed since `since`, or where the channel stands
   */
  async join(
    reader: Reader,
    channelId: string,
    since: number | undefined,
    enter: () => void,
  ): Promise<MessageChanges> {
    let channel = await this.access.channel(reader, channelId)
    const known = this.feeds.get(channelId)
    const feed = known ?? this.openFeed(channelId)
    // A new feed hears of changes from now on, so where it starts has to be read from now on.
    if (!known) channel = await this.access.channel(reader, channelId)
    let told: MessageChanges =
      since === undefined
        ? { lastSeq: channel.lastSeq, changes: [] }
        : await this.messages.changes(channel, since)
    while (!(await feed.joinAt(told.lastSeq, enter))) {
      told = append(told, await this.messages.changes({ ...channel, lastSeq: told.lastSeq }, told.lastSeq))
    }
    return told
  }

  /** The last listener of this node has gone. */
  release(channelId: string): void {
    const feed = this.feeds.get(channelId)
    if (!feed?.isIdle) return
    feed.close()
    this.feeds.delete(channelId)
  }

  close(): void {
    for (const feed of this.feeds.values()) feed.close()
    this.feeds.clear()
  }

  private deliver: (change: MessageChange) => void = () => {}

  private offer(kind: MessageChange['kind'], message: Message) {
    this.feeds.get(message.channelId)?.offer({ seq: message.seq, kind, message })
  }

  private openFeed(channelId: string): Feed<MessageChange> {
    const feed = new Feed<MessageChange>({
      deliver: change => this.deliver(change),
      reload: async since =>
        (await this.messages.changedSince(channelId, since)).map(message => change(message, since)),
    })
    this.feeds.set(channelId, feed)
    return feed
  }
}

/** What happened to a message since a sequence, as far as its row still tells. */
function change(message: Message, since: number): MessageChange {
  const kind = message.deletedAt !== null ? 'deleted' : message.position > since ? 'new' : 'edited'
  return { seq: message.seq, kind, message }
}

function append(earlier: MessageChanges, later: MessageChanges): MessageChanges {
  if ('reset' in earlier || 'reset' in later) return { lastSeq: later.lastSeq, reset: true }
  const replaced = new Set(later.changes.map(({ messageId }) => messageId))
  const kept = earlier.changes.filter(({ messageId }) => !replaced.has(messageId))
  return { lastSeq: later.lastSeq, changes: [...kept, ...later.changes] }
}
