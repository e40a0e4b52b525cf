import { Autowired, Service } from '@forinda/kickjs-core'
import { v7 } from 'uuid'
import { Access } from '../../access/access.js'
import type { Asker } from '../../access/asker.js'
import { refuse } from '../../errors.js'
import { Events } from '../../events.js'
import { ChannelTurns } from './channel-turns.js'
import type { Draft } from './message-batch.js'
import type { Message } from './messages.contract.js'
import { MessagesRepository } from './messages.repository.js'
import { SendQueue } from './send-queue.js'

/** Who writes, and by which session; the seed writes without one. */
export interface Author extends Asker {
  sessionId?: string
}

export interface Delivery {
  message: Message
  isNew: boolean
}

export interface NewMessage {
  channelId: string
  content: string
  id?: string | undefined
  parentId?: string | undefined
}

/** The one write path of messages: HTTP and sockets both come here. */
@Service()
export class MessagesService {
  @Autowired(Access) private access!: Access
  @Autowired(SendQueue) private queue!: SendQueue
  @Autowired(MessagesRepository) private messages!: MessagesRepository
  @Autowired(ChannelTurns) private turns!: ChannelTurns
  @Autowired(Events) private events!: Events

  /** As `deliver`, for whoever only wants the message. */
  async send(author: Author, draft: NewMessage): Promise<Message> {
    return (await this.deliver(author, draft)).message
  }

  /**
   * Stores a message and tells its channel. Whether the author may write there, and whether his session
   * still lives, is decided in the statement that stores it. A retry with the same id gives the first
   * message again, and is not new.
   */
  async deliver(author: Author, { channelId, content, id = v7(), parentId }: NewMessage): Promise<Delivery> {
    const { id: senderId, sessionId } = author
    const draft: Draft = { id, channelId, senderId, sessionId, content, parentId: parentId ?? null }
    const verdict = await this.queue.push(draft)
    switch (verdict.kind) {
      case 'stored':
        this.events.emit('message.created', verdict.message)
        if (verdict.root) this.events.emit('message.reacted', verdict.root)
        return { message: verdict.message, isNew: true }
      case 'known':
        return { message: await this.sentBefore(draft), isNew: false }
      case 'session-over':
        throw refuse('SESSION_REVOKED')
      case 'channel-not-found':
        throw refuse('CHANNEL_NOT_FOUND')
      case 'parent-not-found':
        throw refuse('PARENT_NOT_FOUND', { message: 'The channel has no such message to reply to' })
    }
  }

  async edit(author: Asker, messageId: string, content: string): Promise<Message> {
    const edited = await this.turns.take(
      () => this.access.messageToEdit(author, messageId),
      channel => this.messages.edit(channel, messageId, content),
    )
    this.events.emit('message.edited', edited)
    return edited
  }

  /** Deleting what is deleted already is no error, and changes nothing. */
  async delete(user: Asker, messageId: string): Promise<void> {
    const gone = await this.turns.take(
      () => this.access.messageToDelete(user, messageId),
      channel => this.messages.softDelete(channel.id, messageId),
    )
    if (gone) this.events.emit('message.deleted', gone.message)
    if (gone?.root) this.events.emit('message.reacted', gone.root)
  }

  private async sentBefore({ id, senderId, channelId }: Draft): Promise<Message> {
    const first = await this.messages.byId(id)
    if (first?.senderId !== senderId || first.channelId !== channelId) throw refuse('MESSAGE_ID_TAKEN')
    return first
  }
}
