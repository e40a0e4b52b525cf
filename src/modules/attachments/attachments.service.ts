import { Autowired, Service } from '@forinda/kickjs-core'
import { Access } from '../../access/access.js'
import { Events } from '../../events.js'
import { type Actor, originOf } from '../tasks/changes/actor.js'
import type { Task } from '../tasks/tasks.contract.js'
import type { Attachment } from './attachments.contract.js'
import { AttachmentsRepository } from './attachments.repository.js'
import { type Upload, Uploads } from './uploads.js'

@Service()
export class AttachmentsService {
  @Autowired(Access) private access!: Access
  @Autowired(AttachmentsRepository) private attachments!: AttachmentsRepository
  @Autowired(Uploads) private uploads!: Uploads
  @Autowired(Events) private events!: Events

  /** Sending a file may take minutes, in which one can lose the sight of its task. */
  async add(uploader: Actor, taskId: string, upload: Upload): Promise<Attachment> {
    const place = await this.access.task(uploader, taskId)
    upload.isTaken = true
    const { attachment, task } = await this.attachments.create(uploader.id, place, upload)
    this.events.emit('attachment.added', placeOf(task, attachment.id))
    this.tellOf(task, uploader)
    return attachment
  }

  async delete(actor: Actor, attachmentId: string): Promise<void> {
    const { task: place, storageKey } = await this.access.attachmentToDelete(actor, attachmentId)
    const task = await this.attachments.softDelete(actor.id, attachmentId, place)
    this.events.emit('attachment.removed', placeOf(task, attachmentId))
    this.tellOf(task, actor)
    await this.uploads.remove(storageKey)
  }

  /** Of the task, which has one attachment more or fewer. */
  private tellOf(task: Task, actor: Actor) {
    this.events.emit('task.updated', { task, ...originOf(actor) })
  }
}

function placeOf({ id: taskId, workspaceId, projectId }: Task, attachmentId: string) {
  return { workspaceId, projectId, taskId, attachmentId }
}
