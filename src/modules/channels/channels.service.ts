import { Autowired, Service } from '@forinda/kickjs-core'
import type { z } from 'zod'
import { Access } from '../../access/access.js'
import type { Asker } from '../../access/asker.js'
import { refuse } from '../../errors.js'
import { Events } from '../../events.js'
import { ChannelMembersRepository } from './channel-members.repository.js'
import type { Channel, createChannel, updateChannel } from './channels.contract.js'
import { ChannelsRepository } from './channels.repository.js'

@Service()
export class ChannelsService {
  @Autowired(Access) private access!: Access
  @Autowired(ChannelsRepository) private channels!: ChannelsRepository
  @Autowired(ChannelMembersRepository) private members!: ChannelMembersRepository
  @Autowired(Events) private events!: Events

  async create(
    actor: Asker,
    workspaceId: string,
    given: z.output<typeof createChannel.body>,
  ): Promise<Channel> {
    await this.access.workspace(actor, workspaceId, 'member')
    if (given.projectId !== undefined) await this.projectOf(actor, workspaceId, given.projectId)
    const channelId = await this.channels.create(actor.id, { ...given, workspaceId })
    this.events.emit('channel.created', { workspaceId, channelId })
    return this.seen(actor, channelId)
  }

  async update(
    actor: Asker,
    channelId: string,
    changes: z.output<typeof updateChannel.body>,
  ): Promise<Channel> {
    const channel = await this.access.channelToManage(actor, channelId)
    const changed = await this.channels.update(actor.id, channel, changes)
    if (changed) this.events.emit('channel.updated', { workspaceId: channel.workspaceId, channelId })
    return this.seen(actor, channelId)
  }

  async delete(actor: Asker, channelId: string): Promise<void> {
    const channel = await this.access.channelToManage(actor, channelId)
    await this.channels.softDelete(actor.id, channel)
    this.events.emit('channel.deleted', { workspaceId: channel.workspaceId, channelId })
  }

  /** Whoever sees a public channel may join it himself; others are added by those who manage it. */
  async addMember(actor: Asker, channelId: string, userId: string) {
    const joinsHimself = userId === actor.id
    const channel = joinsHimself
      ? await this.access.channel(actor, channelId)
      : await this.access.channelToManage(actor, channelId)
    await this.members.add(actor.id, channel, userId)
    this.events.emit('channel.member_added', { workspaceId: channel.workspaceId, channelId, userId })
    const member = await this.members.byId(channelId, userId)
    if (!member) throw refuse('MEMBER_NOT_FOUND')
    return member
  }

  /** Everybody may leave; others are removed by those who manage the channel. */
  async removeMember(actor: Asker, channelId: string, userId: string): Promise<void> {
    const leaves = userId === actor.id
    const channel = leaves
      ? await this.access.channel(actor, channelId)
      : await this.access.channelToManage(actor, channelId)
    await this.members.remove(actor.id, channel, userId)
    this.events.emit('channel.member_removed', { workspaceId: channel.workspaceId, channelId, userId })
  }

  private async projectOf(actor: Asker, workspaceId: string, projectId: string) {
    const project = await this.access.project(actor, projectId)
    if (project.workspaceId !== workspaceId) throw refuse('PROJECT_NOT_FOUND')
  }

  /** The channel as the actor sees it. */
  async seen(actor: Asker, channelId: string): Promise<Channel> {
    const channel = await this.channels.byId(actor.id, channelId)
    if (!channel) throw refuse('CHANNEL_NOT_FOUND')
    return channel
  }
}
