import { Autowired, Controller, Delete, Get, Patch, Post } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../access/access.js'
import { ChannelMembersRepository } from './channel-members.repository.js'
import {
  addChannelMember,
  createChannel,
  deleteChannel,
  getChannel,
  listChannelMembers,
  listChannels,
  readChannel,
  removeChannelMember,
  updateChannel,
} from './channels.contract.js'
import { ChannelsRepository } from './channels.repository.js'
import { ChannelsService } from './channels.service.js'
import { ReadsService } from './reads.service.js'

@Controller()
export class ChannelsController {
  @Autowired(Access) private access!: Access
  @Autowired(ChannelsService) private channels!: ChannelsService
  @Autowired(ReadsService) private reads!: ReadsService
  @Autowired(ChannelsRepository) private stored!: ChannelsRepository
  @Autowired(ChannelMembersRepository) private members!: ChannelMembersRepository

  @Post('/workspaces/:workspaceId/channels', createChannel)
  async create(ctx: RouteContext<typeof createChannel>) {
    const channel = await this.channels.create(ctx.user, ctx.params.workspaceId, ctx.body)
    return ctx.created(channel, `/api/v1/channels/${channel.id}`)
  }

  @Get('/workspaces/:workspaceId/channels', listChannels)
  async list({ user, params, query }: RouteContext<typeof listChannels>) {
    await this.access.workspace(user, params.workspaceId)
    return this.stored.forWorkspace(user.id, params.workspaceId, query)
  }

  @Get('/channels/:channelId', getChannel)
  get({ user, params }: RouteContext<typeof getChannel>) {
    return this.channels.seen(user, params.channelId)
  }

  @Patch('/channels/:channelId', updateChannel)
  update({ user, params, body }: RouteContext<typeof updateChannel>) {
    return this.channels.update(user, params.channelId, body)
  }

  @Delete('/channels/:channelId', deleteChannel)
  delete({ user, params }: RouteContext<typeof deleteChannel>) {
    return this.channels.delete(user, params.channelId)
  }

  @Get('/channels/:channelId/members', listChannelMembers)
  async listMembers({ user, params, query }: RouteContext<typeof listChannelMembers>) {
    await this.access.channel(user, params.channelId)
    return this.members.forChannel(params.channelId, query)
  }

  @Post('/channels/:channelId/members', addChannelMember)
  async addMember(ctx: RouteContext<typeof addChannelMember>) {
    const { channelId } = ctx.params
    const member = await this.channels.addMember(ctx.user, channelId, ctx.body.userId)
    return ctx.created(member, `/api/v1/channels/${channelId}/members`)
  }

  @Delete('/channels/:channelId/members/:userId', removeChannelMember)
  removeMember({ user, params }: RouteContext<typeof removeChannelMember>) {
    return this.channels.removeMember(user, params.channelId, params.userId)
  }

  @Post('/channels/:channelId/read', readChannel)
  read({ user, params, body }: RouteContext<typeof readChannel>) {
    return this.reads.read(user, params.channelId, body.seq)
  }
}
