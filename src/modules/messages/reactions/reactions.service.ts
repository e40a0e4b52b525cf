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
    return this.change(user, messageId, channelId =>
      this.reactions.add({ channelId, messageId, emoji, userId: user.id }),
    )
  }

  /** Nor is taking back what is not there. */
  async remove(user: Asker, messageId: string, emoji: string): Promise<Message> {
    return this.change(user, messageId, channelId =>
      this.reactions.remove({ channelId, messageId, emoji, userId: user.id }),
    )
  }

  private async change(user: Asker, messageId: string, work: (channelId: string) => Promise<Outcome>) {
    const ask = () => this.access.message(user, messageId)
    return this.tell(await this.turns.take(ask, ({ id }) => work(id)))
  }

  private tell({ message, changed }: Outcome): Message {
    const { messageId, channelId, reactions, replyCount, lastReplyAt, seq } = message
    if (changed)
      this.events.emit('message.reacted', { messageId, channelId, reactions, replyCount, lastReplyAt, seq })
    return message
  }
}
