import { Autowired, Service } from '@forinda/kickjs-core'
import { Access } from '../../access/access.js'
import type { Asker } from '../../access/asker.js'
import { Events } from '../../events.js'
import type { Actor } from '../tasks/changes/actor.js'
import type { TaskPlace } from '../tasks/changes/record-on-task.js'
import type { Task } from '../tasks/tasks.contract.js'
import type { Comment } from './comments.contract.js'
import { CommentsRepository, type NewComment } from './comments.repository.js'

@Service()
export class CommentsService {
  @Autowired(Access) private access!: Access
  @Autowired(CommentsRepository) private comments!: CommentsRepository
  @Autowired(Events) private events!: Events

  async add(author: Actor, taskId: string, given: NewComment): Promise<Comment> {
    const place = await this.access.task(author, taskId)
    const { comment, task } = await this.comments.create(author.id, place, given)
    this.events.emit('comment.created', placeOf(place, comment.id))
    this.tellOf(task, author)
    return comment
  }

  /** The same text again changes nothing. */
  async edit(author: Asker, commentId: string, content: string): Promise<Comment> {
    const { task } = await this.access.commentToEdit(author, commentId)
    const { comment, changed } = await this.comments.edit(author.id, { id: commentId, task }, content)
    if (changed) this.events.emit('comment.edited', placeOf(task, commentId))
    return comment
  }

  /** Deleting what is deleted already is no error, and changes nothing. */
  async delete(actor: Actor, commentId: string): Promise<void> {
    const { task: place } = await this.access.commentToDelete(actor, commentId)
    const task = await this.comments.softDelete(actor.id, { id: commentId, task: place })
    if (!task) return
    this.events.emit('comment.deleted', placeOf(place, commentId))
    this.tellOf(task, actor)
  }

  /** Of the task, which has one comment more or fewer. */
  private tellOf(task: Task, { origin }: Actor) {
    this.events.emit('task.updated', { task, ...(origin !== undefined && { origin }) })
  }
}

function placeOf({ id: taskId, workspaceId, projectId }: TaskPlace, commentId: string) {
  return { workspaceId, projectId, taskId, commentId }
}
