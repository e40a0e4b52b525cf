import { Autowired, Service } from '@forinda/kickjs-core'
import { Access } from '../../access/access.js'
import { invalid } from '../../errors.js'
import { Events } from '../../events.js'
import type { Unread } from './channels.contract.js'
import { ReadsRepository } from './reads.repository.js'

@Service()
export class ReadsService {
  @Autowired(Access) private access!: Access
  @Autowired(ReadsRepository) private reads!: ReadsRepository
  @Autowired(Events) private events!: Events

  /** The reader has seen everything up to `seq`; tells all his devices what is left. */
  async read(reader: { id: string }, channelId: string, seq: number): Promise<Unread> {
    const channel = await this.access.channel(reader, channelId)
    if (seq > channel.lastSeq) throw invalid('seq', `is beyond the channel's last, ${channel.lastSeq}`)
    await this.reads.mark(reader.id, channel, seq)
    const unread = await this.reads.unread(reader.id, channel)
    this.events.emit('channel.read', { userId: reader.id, unread })
    return unread
  }
}
