import { Autowired, Service } from '@forinda/kickjs-core'
import { Access } from '../../../access/access.js'
import type { Asker } from '../../../access/asker.js'
import { Events } from '../../../events.js'
import { ChannelTurns } from '../channel-turns.js'
import type { Message } from '../messages.contract.js'
import { type Outcome, ReactionsRepository } from './reactions.repository.js'

/** Whoever reads a message may react to it, once with each emoji. */
@Service()
export class ReactionsService {
  @Autowired(Access) private access!: Access
  @Autowired(ReactionsRepository) private reactions!: ReactionsRepository
  @Autowired(ChannelTurns) private turns!: ChannelTurns
  @Autowired(Events) private events!: Events

  /** Reacting twice alike is no error, and changes nothing. */
  async add(user: Asker, messageId: string, emoji: string): Promise<Message> {
    const { channel } = await this.access.message(user, messageId)
    const reaction = { channelId: channel.id, messageId, emoji, userId: user.id }
    return this.tell(await this.turns.take(channel.id, () => this.reactions.add(reaction)))
  }

  /** Nor is taking back what is not there. */
  async remove(user: Asker, messageId: string, emoji: string): Promise<Message> {
    const { channel } = await this.access.message(user, messageId)
    const reaction = { channelId: channel.id, messageId, emoji, userId: user.id }
    return this.tell(await this.turns.take(channel.id, () => this.reactions.remove(reaction)))
  }

  private tell({ message, changed }: Outcome): Message {
    const { messageId, channelId, reactions, replyCount, lastReplyAt, seq } = message
    if (changed)
      this.events.emit('message.reacted', { messageId, channelId, reactions, replyCount, lastReplyAt, seq })
    return message
  }
}
