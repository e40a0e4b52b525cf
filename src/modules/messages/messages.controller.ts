import { Autowired, Controller, Delete, Get, Patch, Post } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../access/access.js'
import { refuse } from '../../errors.js'
import { Idempotency } from '../../http/idempotency.js'
import { HistoryRepository } from './history.repository.js'
import {
  deleteMessage,
  editMessage,
  getMessage,
  listChanges,
  listMessages,
  listThread,
  sendMessage,
} from './messages.contract.js'
import { MessagesRepository } from './messages.repository.js'
import { MessagesService } from './messages.service.js'

@Controller()
export class MessagesController {
  @Autowired(Access) private access!: Access
  @Autowired(MessagesService) private messages!: MessagesService
  @Autowired(MessagesRepository) private stored!: MessagesRepository
  @Autowired(HistoryRepository) private history!: HistoryRepository
  @Autowired(Idempotency) private idempotency!: Idempotency

  @Get('/channels/:channelId/messages', listMessages)
  async list({ user, params, query }: RouteContext<typeof listMessages>) {
    const page = await this.history.page(user.id, params.channelId, query)
    // The channel may be empty, or not his to see.
    if (page.isEmpty) await this.access.channel(user, params.channelId)
    return page
  }

  @Get('/messages/channel/:channelId', { ...listMessages, name: 'listMessagesAlias' })
  listAlias(ctx: RouteContext<typeof listMessages>) {
    return this.list(ctx)
  }

  @Post('/channels/:channelId/messages', sendMessage)
  async send(ctx: RouteContext<typeof sendMessage>) {
    const id = ctx.body.id ?? this.idempotency.stableId()
    const message = await this.messages.send(ctx.user, { ...ctx.body, id, channelId: ctx.params.channelId })
    return ctx.created(message, `/api/v1/messages/${message.messageId}`)
  }

  @Get('/channels/:channelId/changes', listChanges)
  async changes({ user, params, query }: RouteContext<typeof listChanges>) {
    const channel = await this.access.channel(user, params.channelId)
    return this.stored.changes(channel, query.since)
  }

  @Get('/messages/:messageId', getMessage)
  async get({ user, params }: RouteContext<typeof getMessage>) {
    await this.access.message(user, params.messageId)
    const found = await this.stored.byId(params.messageId)
    if (!found) throw refuse('MESSAGE_NOT_FOUND')
    return found
  }

  @Get('/messages/:messageId/thread', listThread)
  async thread({ user, params, query }: RouteContext<typeof listThread>) {
    await this.access.message(user, params.messageId)
    return this.stored.thread(params.messageId, query)
  }

  @Patch('/messages/:messageId', editMessage)
  edit({ user, params, body }: RouteContext<typeof editMessage>) {
    return this.messages.edit(user, params.messageId, body.content)
  }

  @Delete('/messages/:messageId', deleteMessage)
  delete({ user, params }: RouteContext<typeof deleteMessage>) {
    return this.messages.delete(user, params.messageId)
  }
}
