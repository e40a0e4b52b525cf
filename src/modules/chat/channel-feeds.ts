import { Autowired, Service } from '@forinda/kickjs-core'
import { Access } from '../../access/access.js'
import type { Asker } from '../../access/asker.js'
import { Feeds, type Place } from '../../realtime/feeds.js'
import type { Message, Reacted } from '../messages/messages.contract.js'
import { MessagesRepository } from '../messages/messages.repository.js'

/** A change of a message on its way to the listeners of its channel. */
export type MessageChange =
  | { seq: number; kind: 'new' | 'edited' | 'deleted'; message: Message }
  | { seq: number; kind: 'reacted'; message: Reacted }

/** The channels that sockets of this node listen to. */
@Service()
export class ChannelFeeds extends Feeds<MessageChange, Message> {
  @Autowired(Access) private access!: Access
  @Autowired(MessagesRepository) private messages!: MessagesRepository
  protected readonly kind = 'channel'

  protected follow(): void {
    this.events.on('message.created', message => this.offer({ seq: message.seq, kind: 'new', message }))
    this.events.on('message.edited', message => this.offer({ seq: message.seq, kind: 'edited', message }))
    this.events.on('message.reacted', message => this.offer({ seq: message.seq, kind: 'reacted', message }))
    this.events.on('message.deleted', message => this.offer({ seq: message.seq, kind: 'deleted', message }))
    this.events.on('channel.advanced', ({ channelId, lastSeq }) => this.feed(channelId)?.fetch(lastSeq))
  }

  protected seen(reader: Asker, channelId: string): Promise<Place> {
    return this.access.channel(reader, channelId)
  }

  protected changes(channel: Place, since: number) {
    return this.messages.changes(channel, since)
  }

  protected async reload(channelId: string, since: number, limit: number): Promise<MessageChange[]> {
    const changed = await this.messages.changedSince(channelId, since, limit)
    return changed.map(message => changeSince(message, since))
  }

  protected standings(channelIds: readonly string[]): Promise<Place[]> {
    return this.messages.standings(channelIds)
  }

  protected idOf({ messageId }: Message): string {
    return messageId
  }

  private offer(change: MessageChange) {
    this.feed(change.message.channelId)?.offer(change)
  }
}

/**
 * What happened to a message since a sequence, as far as its row still tells. Each kind tells all that may
 * have changed besides: who hears that a text was edited hears of the reactions to it, too.
 */
function changeSince(message: Message, since: number): MessageChange {
  const { seq, deletedAt, position, isEdited } = message
  if (deletedAt !== null) return { seq, kind: 'deleted', message }
  if (position > since) return { seq, kind: 'new', message }
  return { seq, kind: isEdited ? 'edited' : 'reacted', message }
}
