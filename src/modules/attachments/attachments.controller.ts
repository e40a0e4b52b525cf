import { Autowired, Controller, Delete, Get, Post } from '@forinda/kickjs-core'
import type { RequestContext, RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../access/access.js'
import { refuse } from '../../errors.js'
import { answerFile } from '../../files/answer-file.js'
import { FILES, type FileStore } from '../../files/file-store.js'
import { actorOf } from '../tasks/changes/actor.js'
import {
  addAttachment,
  deleteAttachment,
  downloadAttachment,
  getAttachment,
  listAttachments,
} from './attachments.contract.js'
import { AttachmentsRepository } from './attachments.repository.js'
import { AttachmentsService } from './attachments.service.js'
import type { Upload } from './uploads.js'

@Controller()
export class AttachmentsController {
  @Autowired(Access) private access!: Access
  @Autowired(AttachmentsService) private attachments!: AttachmentsService
  @Autowired(AttachmentsRepository) private stored!: AttachmentsRepository
  @Autowired(FILES) private files!: FileStore

  /** The file has been received already: see `uploads.ts`. */
  @Post('/tasks/:taskId/attachments', addAttachment)
  async add(ctx: RequestContext<{ taskId: string }, unknown, Upload>) {
    const attachment = await this.attachments.add(actorOf(ctx), ctx.params.taskId, ctx.body)
    return ctx.created(attachment, `/api/v1/attachments/${attachment.id}`)
  }

  @Get('/tasks/:taskId/attachments', listAttachments)
  async list({ user, params, query }: RouteContext<typeof listAttachments>) {
    await this.access.task(user, params.taskId)
    return this.stored.forTask(params.taskId, query)
  }

  @Get('/attachments/:attachmentId', getAttachment)
  async get({ user, params }: RouteContext<typeof getAttachment>) {
    await this.access.attachment(user, params.attachmentId)
    const found = await this.stored.byId(params.attachmentId)
    if (!found) throw refuse('ATTACHMENT_NOT_FOUND')
    return found
  }

  @Get('/attachments/:attachmentId/download', downloadAttachment)
  async download(ctx: RouteContext<typeof downloadAttachment>) {
    const { storageKey, ...file } = await this.access.attachment(ctx.user, ctx.params.attachmentId)
    await answerFile(ctx, { ...file, open: range => this.files.get(storageKey, range) })
  }

  @Delete('/attachments/:attachmentId', deleteAttachment)
  delete(ctx: RouteContext<typeof deleteAttachment>) {
    return this.attachments.delete(actorOf(ctx), ctx.params.attachmentId)
  }
}
