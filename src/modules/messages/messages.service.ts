import { Autowired, Service } from '@forinda/kickjs-core'
import { v7 } from 'uuid'
import { Access } from '../../access/access.js'
import type { Asker } from '../../access/asker.js'
import { refuse } from '../../errors.js'
import { Events } from '../../events.js'
import type { Draft } from './message-batch.js'
import type { Message } from './messages.contract.js'
import { MessagesRepository } from './messages.repository.js'
import { SendQueue } from './send-queue.js'

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
  @Autowired(Events) private events!: Events

  /**
   * Stores a message and tells its channel. Whether the author may write there is decided in the
   * statement that stores it. A retry with the same id gives the first message again.
   */
  async send(author: Asker, { channelId, content, id = v7(), parentId }: NewMessage): Promise<Message> {
    const draft: Draft = { id, channelId, senderId: author.id, content, parentId: parentId ?? null }
    const verdict = await this.queue.push(draft)
    switch (verdict.kind) {
      case 'stored':
        this.events.emit('message.created', verdict.message)
        return verdict.message
      case 'known':
        return this.sentBefore(draft)
      case 'channel-not-found':
        throw refuse('CHANNEL_NOT_FOUND')
      case 'parent-not-found':
        throw refuse('PARENT_NOT_FOUND', { message: 'The channel has no such message to reply to' })
    }
  }

  async edit(author: Asker, messageId: string, content: string): Promise<Message> {
    const { channel } = await this.access.messageToEdit(author, messageId)
    const edited = await this.messages.edit(channel.id, messageId, content)
    this.events.emit('message.edited', edited)
    return edited
  }

  /** Deleting what is deleted already is no error, and changes nothing. */
  async delete(user: Asker, messageId: string): Promise<void> {
    const { channel } = await this.access.messageToDelete(user, messageId)
    const deleted = await this.messages.softDelete(channel.id, messageId)
    if (deleted) this.events.emit('message.deleted', deleted)
  }

  private async sentBefore({ id, senderId, channelId }: Draft): Promise<Message> {
    const first = await this.messages.byId(id)
    if (first?.senderId !== senderId || first.channelId !== channelId) throw refuse('MESSAGE_ID_TAKEN')
    return first
  }
}
