import { randomUUID } from 'node:crypto'
import { Autowired, HttpException, Logger, Service } from '@forinda/kickjs-core'
import type { RequestContext, RouteInterceptor } from '@forinda/kickjs-http'
import { Access } from '../../access/access.js'
import { CONFIG, type Config } from '../../config.js'
import { FILES, type FileStore } from '../../files/file-store.js'
import { drain, leastSize, type ReceivedFile, receiveFile } from '../../files/receive-file.js'
import { addAttachment } from './attachments.contract.js'
import { AttachmentsRepository } from './attachments.repository.js'

/** A file that has been received and stored, and belongs to nothing yet. */
export interface Upload extends ReceivedFile {
  storageKey: string
  /** Whether there may be a row of it: from then on it is not to be removed. */
  isTaken: boolean
}

const logger = Logger.for('Uploads')

/**
 * Receives the file of an upload before its handler runs, but after it is known who sends it and that he
 * may. Idempotent retries are recognised within, by what the file is and not by what its form looks like.
 */
@Service()
export class Uploads {
  @Autowired(Access) private access!: Access
  @Autowired(FILES) private files!: FileStore
  @Autowired(CONFIG) private config!: Config
  @Autowired(AttachmentsRepository) private attachments!: AttachmentsRepository

  readonly interceptor: RouteInterceptor = async (ctx, { schemas }, next) => {
    if (schemas !== addAttachment) return next()
    const upload = await this.receive(ctx)
    const { fileName, size, digest } = upload
    ctx.req.body = { fileName, size, digest }
    ctx.body = upload
    try {
      await next()
    } catch (error) {
      // Refused for certain. After any other failure the row may be there, which the sweep finds out.
      if (error instanceof HttpException) upload.isTaken = false
      throw error
    } finally {
      if (!upload.isTaken) await this.remove(upload.storageKey)
    }
  }

  /** Removes a file that nothing needs any more. Where that fails the sweep does it. */
  async remove(storageKey: string): Promise<void> {
    try {
      await this.files.remove(storageKey)
    } catch (error) {
      logger.warn({ err: error, storageKey }, 'a file could not be removed; the sweep will')
    }
  }

  private async receive({ req, user, params }: RequestContext): Promise<Upload> {
    const storageKey = randomUUID()
    try {
      const { workspaceId } = await this.access.task(user, params.taskId)
      await this.attachments.requireRoom(workspaceId, leastSize(req))
      const file = await receiveFile(req, {
        maxBytes: this.config.maxUploadBytes,
        store: content => this.files.put(storageKey, content),
        discard: () => this.remove(storageKey),
      })
      return { ...file, storageKey, isTaken: false }
    } catch (error) {
      drain(req)
      throw error
    }
  }
}
